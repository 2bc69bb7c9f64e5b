#include "strata/autograd/normalization.hpp"

namespace strata {
namespace {

template <class T> void require_widths(Var<T> x, Var<T> gamma, Var<T> beta) {
  const Shape &in = x.shape(), &width = gamma.shape();
  if (in.size() < 2 || element_count(in) == 0 || width != Shape{in.back()} || beta.shape() != width)
    fail("batch_norm", "needs x (..., D) with rows, gamma (D) and beta (D): x is " + to_string(in) +
                           ", gamma is " + to_string(width) + ", beta is " + to_string(beta.shape()));
}

// A constant (D): the expression, of x's shape, averaged over rows.
template <class T, class E> Var<T> mean_row(Var<T> x, const E& expression) {
  const Shape width{x.shape().back()};
  const T share = static_cast<T>(width[0]) / static_cast<T>(x.value().size());
  return x.tape().constant(
      width, [&](Tensor<T>& mean) { write(mean, share * x.tape().scratch(sum_to(width, expression))); });
}

}  // namespace

// μ = Σ x/B    σ² = Σ (x − μ)²/B    s = 1/√(σ² + ε)    n = s (x − μ)    y = γ n + β
// β̄ += Σ ȳ    γ̄ += Σ ȳ n    x̄ += γ s (ȳ − (Σ ȳ + n Σ ȳ n)/B)
template <class T> BatchNormResult<T> batch_norm(Var<T> x, Var<T> gamma, Var<T> beta, Scalar<T> epsilon) {
  require_widths(x, gamma, beta);
  const Shape& width = gamma.shape();
  const T share = static_cast<T>(width[0]) / static_cast<T>(x.value().size());  // 1/B
  const Var<T> mean = mean_row(x, x.value()), variance = mean_row(x, xt::square(x.value() - mean.value()));
  const Var<T> s =
      x.tape().constant(width, [&](Tensor<T>& v) { write(v, T(1) / xt::sqrt(variance.value() + epsilon)); });
  const auto backward = [=](Var<T> y) {
    const auto n = s.value() * (x.value() - mean.value());
    const Tensor<T>&sum = y.tape().scratch(sum_to(gamma.shape(), y.grad())),
          &sum_n = y.tape().scratch(sum_to(gamma.shape(), y.grad() * n));
    beta.accumulate(sum);
    gamma.accumulate(sum_n);
    x.accumulate(gamma.value() * s.value() * (y.grad() - share * (sum + n * sum_n)));
  };
  const auto value = gamma.value() * (s.value() * (x.value() - mean.value())) + beta.value();
  return {record("batch_norm", {x, gamma, beta}, value, backward), mean, variance};
}

template BatchNormResult<float> batch_norm(Var<float>, Var<float>, Var<float>, float);
template BatchNormResult<double> batch_norm(Var<double>, Var<double>, Var<double>, double);

}  // namespace strata
