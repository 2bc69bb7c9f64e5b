#include "autograd/probability.hpp"

#include <numbers>

#include "autograd/formulas.hpp"

namespace strata {
namespace {

template <class T> void require_same_shape(const char* operation, std::initializer_list<Var<T>> inputs) {
  for (const Var<T> input : inputs)
    if (input.shape() != inputs.begin()->shape())
      fail(operation, "shapes differ: " + shapes_of(std::span<const Var<T>>(inputs)));
}

// Records y = Σ_last expression, where the inputs broadcast to the expression's shape.
template <class T, class E, class B> Var<T> record_row_sums(const char* name,
                                                            std::initializer_list<Var<T>> inputs,
                                                            const E& expression, B backward) {
  Shape full;
  try {
    full.assign(expression.shape().begin(), expression.shape().end());
  } catch (const xt::broadcast_error&) {
    fail(name, "shapes do not broadcast: " + shapes_of(std::span<const Var<T>>(inputs)));
  }
  if (full.size() == 0) fail(name, "needs at least one axis to sum over, but the shape is ()");
  const Shape rows(full.begin(), full.end() - 1);
  Shape kept = full;
  kept.back() = 1;
  const auto fill = [&](Tensor<T>& y) {
    y.reshape(kept);
    write_sum(y, expression, full);
    y.reshape(rows);
  };
  return record(name, inputs, rows, fill, std::move(backward));
}

template <class T> constexpr T half = T(0.5);
template <class T> constexpr T log_two_pi = T(1.8378770664093454836);

}  // namespace

// y = −½ Σ (ln 2π + s + d² e⁻ˢ), d = x − m
// x̄ −= ȳ d e⁻ˢ        m̄ += ȳ d e⁻ˢ        s̄ += ½ ȳ (d² e⁻ˢ − 1)
template <class T> Var<T> normal_log_density(Var<T> x, Var<T> mean, Var<T> log_variance) {
  const auto density = [](auto v, auto m, auto s) {
    return -half<T> * (log_two_pi<T> + s + (v - m) * (v - m) * xsimd::exp(-s));
  };
  const auto slope = [](auto v, auto m, auto s) { return (v - m) * xsimd::exp(-s); };
  const auto scale_slope = [](auto v, auto m, auto s) {
    return half<T> * ((v - m) * (v - m) * xsimd::exp(-s) - T(1));
  };
  return record_row_sums("normal_log_density", {x, mean, log_variance},
                         map(density, x.value(), mean.value(), log_variance.value()), [=](Var<T> y) {
                           const Tensor<T>&v = x.value(), &m = mean.value(), &s = log_variance.value();
                           x.accumulate_rows(y.grad(), -map(slope, v, m, s));
                           mean.accumulate_rows(y.grad(), map(slope, v, m, s));
                           log_variance.accumulate_rows(y.grad(), map(scale_slope, v, m, s));
                         });
}

// y = −½ Σ (ln 2π + x²)        x̄ −= ȳ x
template <class T> Var<T> standard_normal_log_density(Var<T> x) {
  const auto density = [](auto v) { return -half<T> * (log_two_pi<T> + v * v); };
  return record_row_sums("standard_normal_log_density", {x}, map(density, x.value()),
                         [x](Var<T> y) { x.accumulate_rows(y.grad(), -x.value()); });
}

// y = Σ (x l − softplus l)        x̄ += ȳ l        l̄ += ȳ (x − sigmoid l)
template <class T> Var<T> bernoulli_log_density(Var<T> x, Var<T> logits) {
  require_same_shape("bernoulli_log_density", {x, logits});
  const auto density = [](auto v, auto l) { return v * l - formulas::softplus(l); };
  const auto slope = [](auto v, auto l) { return v - formulas::sigmoid(l); };
  return record_row_sums("bernoulli_log_density", {x, logits}, map(density, x.value(), logits.value()),
                         [=](Var<T> y) {
                           x.accumulate_rows(y.grad(), logits.value());
                           logits.accumulate_rows(y.grad(), map(slope, x.value(), logits.value()));
                         });
}

// z = m + e^(s/2) ε        m̄ += z̄        s̄ += ½ z̄ (z − m)        ε̄ += z̄ e^(s/2)
template <class T> Var<T> reparameterize(Var<T> mean, Var<T> log_variance, Var<T> epsilon) {
  require_same_shape("reparameterize", {mean, log_variance, epsilon});
  return record("reparameterize", {mean, log_variance, epsilon},
                mean.value() + xt::exp(half<T> * log_variance.value()) * epsilon.value(), [=](Var<T> z) {
                  mean.accumulate(z.grad());
                  log_variance.accumulate(half<T> * z.grad() * (z.value() - mean.value()));
                  epsilon.accumulate(z.grad() * xt::exp(half<T> * log_variance.value()));
                });
}

// y = ½ Σ (m² + eˢ − s − 1)        m̄ += ȳ m        s̄ += ½ ȳ (eˢ − 1)
template <class T> Var<T> standard_normal_kl(Var<T> mean, Var<T> log_variance) {
  require_same_shape("standard_normal_kl", {mean, log_variance});
  const auto divergence = [](auto m, auto s) { return half<T> * (m * m + (xsimd::expm1(s) - s)); };
  const auto slope = [](auto s) { return half<T> * xsimd::expm1(s); };
  return record_row_sums("standard_normal_kl", {mean, log_variance},
                         map(divergence, mean.value(), log_variance.value()), [=](Var<T> y) {
                           mean.accumulate_rows(y.grad(), mean.value());
                           log_variance.accumulate_rows(y.grad(), map(slope, log_variance.value()));
                         });
}

// y = −½ Σ (ln 2π + s + ε²)        s̄ −= ½ ȳ
template <class T> Var<T> draw_log_density(Var<T> log_variance, Var<T> epsilon) {
  require_same_shape("draw_log_density", {log_variance, epsilon});
  const auto density = [](auto s, auto e) { return -half<T> * (log_two_pi<T> + s + e * e); };
  return record_row_sums("draw_log_density", {log_variance},
                         map(density, log_variance.value(), epsilon.value()), [log_variance](Var<T> y) {
                           const auto slope = [](auto s) { return decltype(s)(-half<T>); };
                           log_variance.accumulate_rows(y.grad(), map(slope, log_variance.value()));
                         });
}

// y_i = Σ_(j<i) l_ij ε_j        l̄_ij += ȳ_i ε_j
template <class T> Var<T> strict_lower_product(Var<T> lower, Var<T> epsilon) {
  const Shape shape = epsilon.shape();
  const std::size_t rows = shape.size() == 2 ? shape[0] : 0, n = shape.size() == 2 ? shape[1] : 0;
  const std::size_t entries = n * (n - std::min<std::size_t>(n, 1)) / 2;
  if (shape.size() != 2 || lower.shape() != Shape{rows, entries})
    fail("strict_lower_product", "needs lower (B, L (L - 1) / 2) and epsilon (B, L): lower is " +
                                     to_string(lower.shape()) + ", epsilon is " + to_string(shape));
  // Calls f(entry of lower, i, j) for every entry of one row's matrix.
  const auto for_each_entry = [n](std::size_t row, auto&& f) {
    std::size_t entry = row * (n * (n - 1) / 2);
    for (std::size_t i = 1; i < n; ++i)
      for (std::size_t j = 0; j < i; ++j) f(entry++, row * n + i, row * n + j);
  };
  const auto fill = [&](Tensor<T>& y) {
    y.fill(T(0));
    const T *l = lower.value().data(), *e = epsilon.value().data();
    for (std::size_t row = 0; row < rows; ++row)
      for_each_entry(
          row, [&](std::size_t entry, std::size_t i, std::size_t j) { y.data()[i] += l[entry] * e[j]; });
  };
  return record("strict_lower_product", {lower}, shape, fill,
                [lower, epsilon, rows, for_each_entry](Var<T> y) {
                  lower.accumulate_with([&](Tensor<T>& gradient, T beta) {
                    const T *upstream = y.grad().data(), *e = epsilon.value().data();
                    for (std::size_t row = 0; row < rows; ++row)
                      for_each_entry(row, [&](std::size_t entry, std::size_t i, std::size_t j) {
                        T& target = gradient.data()[entry];
                        target = (beta == T(0) ? T(0) : target) + upstream[i] * e[j];
                      });
                  });
                });
}

#define STRATA_INSTANTIATE(T)                                 \
  template Var<T> normal_log_density(Var<T>, Var<T>, Var<T>); \
  template Var<T> standard_normal_log_density(Var<T>);        \
  template Var<T> bernoulli_log_density(Var<T>, Var<T>);      \
  template Var<T> reparameterize(Var<T>, Var<T>, Var<T>);     \
  template Var<T> standard_normal_kl(Var<T>, Var<T>);         \
  template Var<T> draw_log_density(Var<T>, Var<T>);           \
  template Var<T> strict_lower_product(Var<T>, Var<T>);
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)

}  // namespace strata
