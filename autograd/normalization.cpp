#include "strata/autograd/normalization.hpp"

#include <cmath>

namespace strata {
namespace {

// 1/B for the B rows of x, in all processes. Throws unless the widths agree.
template <class T> T share_of_row(Var<T> x, Var<T> gamma, Var<T> beta, Group* group) {
  const Shape &in = x.shape(), &width = gamma.shape();
  if (in.size() < 2 || element_count(in) == 0 || width != Shape{in.back()} || beta.shape() != width)
    fail("batch_norm", "needs x (..., D) with rows, gamma (D) and beta (D): x is " + to_string(in) +
                           ", gamma is " + to_string(width) + ", beta is " + to_string(beta.shape()));
  T rows = static_cast<T>(x.value().size() / in.back());
  if (group) group->sum({&rows, 1});
  return T(1) / rows;
}

// Σ expression over rows: (D)
template <class T, class E> const Tensor<T>& sum_rows(Var<T> y, const E& expression) {
  return y.tape().scratch(sum_to(Shape{y.shape().back()}, expression));
}

// Σ over the processes: (D)
template <class T> const Tensor<T>& sum_all(Var<T> y, const Tensor<T>& own, Group* group) {
  if (!group) return own;
  return y.tape().scratch(own.shape(), [&](Tensor<T>& sum) {
    sum = own;
    group->sum({sum.data(), sum.size()});
  });
}

template <class T> struct Statistics { Var<T> mean, variance, s; };

// μ = Σ x/B    σ² = Σ (x − μ)²/B    s = 1/√(σ² + ε)
template <class T> Statistics<T> statistics(Var<T> x, T share, T epsilon, Group* group) {
  const auto mean_of = [&](const auto& expression) {
    return x.tape().constant(share * sum_all(x, sum_rows(x, expression), group));
  };
  const Var<T> mean = mean_of(x.value()), variance = mean_of(xt::square(x.value() - mean.value()));
  return {mean, variance, x.tape().constant(T(1) / xt::sqrt(variance.value() + epsilon))};
}

template <class T> auto normalized(Var<T> x, const Statistics<T>& of_x) {
  return of_x.s.value() * (x.value() - of_x.mean.value());
}

}  // namespace

// n = s (x − μ)    y = γ n + β        β̄ += Σ ȳ    γ̄ += Σ ȳ n    x̄ += γ s (ȳ − (Σ ȳ + n Σ ȳ n)/B)
template <class T>
BatchNormResult<T> batch_norm(Var<T> x, Var<T> gamma, Var<T> beta, Scalar<T> epsilon, Group* group) {
  const T share = share_of_row(x, gamma, beta, group);  // 1/B
  if (!(epsilon > 0 && std::isfinite(epsilon)))
    fail("batch_norm", "epsilon is " + std::to_string(epsilon) + "; it must be above 0 and finite");
  const Statistics<T> of_x = statistics(x, share, epsilon, group);
  const auto backward = [=](Var<T> y) {
    const Tensor<T>&own = sum_rows(y, y.grad()), &own_n = sum_rows(y, y.grad() * normalized(x, of_x));
    beta.accumulate(own);
    gamma.accumulate(own_n);
    const Tensor<T>&sum = sum_all(y, own, group), &sum_n = sum_all(y, own_n, group);
    x.accumulate(gamma.value() * of_x.s.value() * (y.grad() - share * (sum + normalized(x, of_x) * sum_n)));
  };
  const auto value = gamma.value() * normalized(x, of_x) + beta.value();
  return {record("batch_norm", {x, gamma, beta}, value, backward), of_x.mean, of_x.variance};
}

template BatchNormResult<float> batch_norm(Var<float>, Var<float>, Var<float>, float, Group*);
template BatchNormResult<double> batch_norm(Var<double>, Var<double>, Var<double>, double, Group*);

}  // namespace strata
