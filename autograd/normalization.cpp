#include "strata/autograd/normalization.hpp"

#include <cmath>

namespace strata {
namespace {

// 1/B for the B rows of x. Throws unless the widths agree.
template <class T> T share_of_row(Var<T> x, Var<T> gamma, Var<T> beta) {
  const Shape &in = x.shape(), &width = gamma.shape();
  if (in.size() < 2 || element_count(in) == 0 || width != Shape{in.back()} || beta.shape() != width)
    fail("batch_norm", "needs x (..., D) with rows, gamma (D) and beta (D): x is " + to_string(in) +
                           ", gamma is " + to_string(width) + ", beta is " + to_string(beta.shape()));
  return static_cast<T>(in.back()) / static_cast<T>(x.value().size());
}

// Σ expression over rows: (D)
template <class T, class E> const Tensor<T>& sum_rows(Var<T> y, const E& expression) {
  return y.tape().scratch(sum_to(Shape{y.shape().back()}, expression));
}

template <class T> struct Statistics { Var<T> mean, variance, s; };

// μ = Σ x/B    σ² = Σ (x − μ)²/B    s = 1/√(σ² + ε)
template <class T> Statistics<T> statistics(Var<T> x, T share, T epsilon) {
  const Var<T> mean = x.tape().constant(share * sum_rows(x, x.value()));
  const Var<T> variance = x.tape().constant(share * sum_rows(x, xt::square(x.value() - mean.value())));
  return {mean, variance, x.tape().constant(T(1) / xt::sqrt(variance.value() + epsilon))};
}

template <class T> auto normalized(Var<T> x, const Statistics<T>& of_x) {
  return of_x.s.value() * (x.value() - of_x.mean.value());
}

}  // namespace

// n = s (x − μ)    y = γ n + β        β̄ += Σ ȳ    γ̄ += Σ ȳ n    x̄ += γ s (ȳ − (Σ ȳ + n Σ ȳ n)/B)
template <class T> BatchNormResult<T> batch_norm(Var<T> x, Var<T> gamma, Var<T> beta, Scalar<T> epsilon) {
  const T share = share_of_row(x, gamma, beta);  // 1/B
  if (!(epsilon > 0 && std::isfinite(epsilon)))
    fail("batch_norm", "epsilon is " + std::to_string(epsilon) + "; it must be above 0 and finite");
  const Statistics<T> of_x = statistics(x, share, epsilon);
  const auto backward = [=](Var<T> y) {
    const Tensor<T>&sum = sum_rows(y, y.grad()), &sum_n = sum_rows(y, y.grad() * normalized(x, of_x));
    beta.accumulate(sum);
    gamma.accumulate(sum_n);
    x.accumulate(gamma.value() * of_x.s.value() * (y.grad() - share * (sum + normalized(x, of_x) * sum_n)));
  };
  const auto value = gamma.value() * normalized(x, of_x) + beta.value();
  return {record("batch_norm", {x, gamma, beta}, value, backward), of_x.mean, of_x.variance};
}

template BatchNormResult<float> batch_norm(Var<float>, Var<float>, Var<float>, float);
template BatchNormResult<double> batch_norm(Var<double>, Var<double>, Var<double>, double);

}  // namespace strata
