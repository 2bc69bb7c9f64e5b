#include "strata/autograd/probability.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "strata/autograd/formulas.hpp"
#include "strata/autograd/linear_algebra.hpp"
#include "strata/autograd/shape.hpp"
#include "strata/tensor/interval.hpp"

namespace strata {
namespace {

template <class T> void require_same_shape(const char* operation, std::initializer_list<Var<T>> inputs) {
  for (const Var<T> input : inputs)
    if (input.shape() != inputs.begin()->shape())
      fail(operation, "shapes differ: " + shapes_of(std::span<const Var<T>>(inputs)));
}

// x has the rows: a parameter that added some would give a sum of pairs that nobody asked for.
template <class T>
void require_parameters_of(const char* operation, Var<T> x, std::initializer_list<Var<T>> parameters) {
  for (const Var<T> parameter : parameters)
    if (!detail::broadcasts(parameter.shape(), x.shape()))
      fail(operation, "a parameter " + to_string(parameter.shape()) + " does not broadcast to x " +
                          to_string(x.shape()) +
                          "; for every pair of rows give x by unsqueeze(x, axis, size)");
}

template <class T> constexpr T half = T(0.5);
template <class T> constexpr T log_two_pi = T(1.8378770664093454836);

}  // namespace

// y = −½ Σ (ln 2π + s + u²), u = (x − m) e^(−s/2), which is finite wherever u² is
// x̄ −= t        m̄ += t        s̄ += ½ ȳ (u² − 1)        t = ȳ u e^(−s/2)
template <class T> Var<T> normal_log_density(Var<T> x, Var<T> mean, Var<T> log_variance) {
  require_parameters_of("normal_log_density", x, {mean, log_variance});
  const auto units = [](auto d, auto s) { return formulas::scaled(d, formulas::exp(-half<T> * s)); };
  const Tensor<T>& u = x.tape().scratch(map(units, x.value() - mean.value(), log_variance.value()));
  const auto value = -half<T> * (log_two_pi<T> + log_variance.value() + xt::square(u));
  return record("normal_log_density", {x, mean, log_variance}, sum_last(value), [=, &u](Var<T> y) {
    const auto slope = [=](auto g, auto v, auto s) { return formulas::scaled(g, units(v, s)); };
    const auto log_variance_slope = [](auto g, auto v) {
      return formulas::scaled(half<T> * g, v * v - T(1));
    };
    const Tensor<T>& t = y.tape().scratch(map(slope, column(y.grad()), u, log_variance.value()));
    x.accumulate(-t);
    mean.accumulate(t);
    log_variance.accumulate(map(log_variance_slope, column(y.grad()), u));
  });
}

// y_bk = −½ Σ_l (ln 2π + s_kl + u²), u = (x_bl − m_kl) r_kl, r = e^(−s/2), never formed: (B, L, K), in this
// order.        x̄ −= Σ_k t        m̄ += Σ_b t        s̄ += ½ Σ_b ȳ (u² − 1)        t = ȳ u r
template <class T> Var<T> pairwise_normal_log_density(Var<T> x, Var<T> mean, Var<T> log_variance) {
  const Shape &of_x = x.shape(), &of_p = mean.shape();
  if (of_x.size() != 2 || of_p.size() != 2 || of_x[1] != of_p[1] || log_variance.shape() != of_p)
    fail("pairwise_normal_log_density", "needs x (B, L), mean and log_variance (K, L): they are " +
                                            to_string(of_x) + ", " + to_string(of_p) + " and " +
                                            to_string(log_variance.shape()));
  const std::size_t rows = of_x[0], width = of_x[1], count = of_p[0];
  static constexpr std::array<std::size_t, 2> turn = {1, 0};
  Tape<T>& tape = x.tape();
  const Tensor<T>& m = tape.scratch(permuted(mean.value(), turn));
  const Tensor<T>& s = tape.scratch(permuted(log_variance.value(), turn));
  const Tensor<T>& r = tape.scratch(map([](auto v) { return formulas::exp(-half<T> * v); }, s));
  const auto u = [=, &m, &r] {
    const auto units = [](auto v, auto centre, auto scale) { return formulas::scaled(v - centre, scale); };
    return map(units, reshaped(x.value(), {rows, width, 1}), m, r);
  };
  const auto value = -half<T> * (log_two_pi<T> + s + xt::square(u()));
  return record("pairwise_normal_log_density", {x, mean, log_variance},
                sum_to({rows, 1, count}, value, Shape{rows, count}), [=, &r](Var<T> y) {
                  const auto squares = [](auto w, auto v) {
                    return formulas::scaled(half<T> * w, v * v - T(1));
                  };
                  const auto g = reshaped(y.grad(), {rows, 1, count});
                  const auto t = map(formulas::scaled, map(formulas::scaled, g, u()), r);
                  const Shape summed = {1, width, count}, turned = {width, count};
                  const auto over_rows = [&](const auto& e) {
                    return permuted(y.tape().scratch(sum_to(summed, e, turned)), turn);
                  };
                  x.accumulate(-y.tape().scratch(sum_to({rows, width, 1}, t, Shape{rows, width})));
                  mean.accumulate(over_rows(t));
                  log_variance.accumulate(over_rows(map(squares, g, u())));
                });
}

// y = −½ Σ (ln 2π + x²)        x̄ −= ȳ x
template <class T> Var<T> standard_normal_log_density(Var<T> x) {
  return record("standard_normal_log_density", {x},
                sum_last(-half<T> * (log_two_pi<T> + xt::square(x.value()))),
                [x](Var<T> y) { x.accumulate(-map(formulas::scaled, column(y.grad()), x.value())); });
}

// y = Σ (x l − softplus l)        x̄ += ȳ l        l̄ += ȳ (x − sigmoid l)
template <class T> Var<T> bernoulli_log_density(Var<T> x, Var<T> logits) {
  require_same_shape("bernoulli_log_density", {x, logits});
  const auto density = [](auto v, auto l) { return formulas::bernoulli_log_density(v, l); };
  const auto slope = [](auto g, auto v, auto l) {
    return formulas::scaled(g, formulas::bernoulli_slope(v, l));
  };
  const auto y = record("bernoulli_log_density", {x, logits},
                        sum_last(map(density, x.value(), logits.value())), [=](Var<T> y) {
                          x.accumulate(map(formulas::scaled, column(y.grad()), logits.value()));
                          logits.accumulate(map(slope, column(y.grad()), x.value(), logits.value()));
                        });
  if (std::any_of(y.value().begin(), y.value().end(), [](T v) { return std::isnan(v); }))
    require_within("bernoulli_log_density", "x", x.value(), unit_interval);
  return y;
}

// z = m + d, d = e^(s/2) ε        m̄ += z̄        s̄ += ½ z̄ d        ε̄ += z̄ e^(s/2)
template <class T> Var<T> reparameterize(Var<T> mean, Var<T> log_variance, Var<T> epsilon) {
  require_same_shape("reparameterize", {mean, log_variance, epsilon});
  const auto deviation = [](auto e, auto s) { return formulas::scaled(e, formulas::exp(half<T> * s)); };
  const Tensor<T>& d = mean.tape().scratch(map(deviation, epsilon.value(), log_variance.value()));
  return record("reparameterize", {mean, log_variance, epsilon}, mean.value() + d, [=, &d](Var<T> z) {
    mean.accumulate(z.grad());
    log_variance.accumulate(map(formulas::scaled, half<T> * z.grad(), d));
    epsilon.accumulate(map(deviation, z.grad(), log_variance.value()));
  });
}

// y = ½ Σ (m² + eˢ − s − 1)        m̄ += ȳ m        s̄ += ½ ȳ (eˢ − 1)
template <class T> Var<T> standard_normal_kl(Var<T> mean, Var<T> log_variance) {
  require_same_shape("standard_normal_kl", {mean, log_variance});
  const auto divergence = [](auto m, auto s) { return half<T> * (m * m + formulas::exp_remainder(s)); };
  const auto slope = [](auto g, auto s) { return formulas::scaled(half<T> * g, formulas::expm1(s)); };
  return record("standard_normal_kl", {mean, log_variance},
                sum_last(map(divergence, mean.value(), log_variance.value())), [=](Var<T> y) {
                  mean.accumulate(map(formulas::scaled, column(y.grad()), mean.value()));
                  log_variance.accumulate(map(slope, column(y.grad()), log_variance.value()));
                });
}

// y = −½ Σ (ln 2π + s + ε²)        s̄ −= ½ ȳ        ε̄ −= ȳ ε
template <class T> Var<T> draw_log_density(Var<T> log_variance, Var<T> epsilon) {
  require_same_shape("draw_log_density", {log_variance, epsilon});
  const auto value = -half<T> * (log_two_pi<T> + log_variance.value() + xt::square(epsilon.value()));
  return record("draw_log_density", {log_variance, epsilon}, sum_last(value), [=](Var<T> y) {
    log_variance.accumulate(-half<T> * column(y.grad()));
    epsilon.accumulate(-map(formulas::scaled, column(y.grad()), epsilon.value()));
  });
}

// y = N ε
template <class T> Var<T> strict_lower_product(Var<T> lower, Var<T> epsilon) {
  Shape shape = epsilon.shape(), entries = shape;
  if (shape.size() > 0)
    entries.back() = shape.back() * (shape.back() - std::min<std::size_t>(shape.back(), 1)) / 2;
  if (shape.size() != 2 || lower.shape() != entries)
    fail("strict_lower_product", "needs lower (B, L (L - 1) / 2) and epsilon (B, L): lower is " +
                                     to_string(lower.shape()) + ", epsilon is " + to_string(shape));
  return reshape(matmul(strictly_lower(lower), unsqueeze(epsilon, -1)), shape);
}

#define STRATA_INSTANTIATE(T)                                          \
  template Var<T> normal_log_density(Var<T>, Var<T>, Var<T>);          \
  template Var<T> pairwise_normal_log_density(Var<T>, Var<T>, Var<T>); \
  template Var<T> standard_normal_log_density(Var<T>);                 \
  template Var<T> bernoulli_log_density(Var<T>, Var<T>);               \
  template Var<T> reparameterize(Var<T>, Var<T>, Var<T>);              \
  template Var<T> standard_normal_kl(Var<T>, Var<T>);                  \
  template Var<T> draw_log_density(Var<T>, Var<T>);                    \
  template Var<T> strict_lower_product(Var<T>, Var<T>);
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)

}  // namespace strata
