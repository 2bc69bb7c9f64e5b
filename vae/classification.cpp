#include "strata/vae/classification.hpp"

#include <algorithm>

#include "strata/tensor/interval.hpp"
#include "strata/tensor/linalg.hpp"

namespace strata {
namespace {

void require_rows(const char* operation, const Tensor<float>& p, const std::vector<std::size_t>& labels) {
  if (p.dimension() != 2 || p.size() == 0 || labels.size() != p.shape(0))
    fail(operation,
         "probabilities are " + to_string(p.shape()) + ", labels are " + std::to_string(labels.size()));
  require_within(operation, "a probability", p, real_numbers);
}

// The place of a row's largest number.
std::size_t largest(const Tensor<float>& p, std::size_t row) {
  const float* first = p.data() + row * p.shape(1);
  return static_cast<std::size_t>(std::max_element(first, first + p.shape(1)) - first);
}

// (x, 1)
Tensor<double> with_constant(const Tensor<float>& x) {
  Tensor<double> more(Shape{x.shape(0), x.shape(1) + 1}, 1.0);
  xt::view(more, xt::all(), xt::range(0, x.shape(1))) = x;
  return more;
}

// softmax(x w), row by row
void predict(const Tensor<double>& x, const Tensor<double>& w, Tensor<double>& p) {
  matmul(x, Transpose::no, w, Transpose::no, 0.0, p);
  p = xt::exp(p - xt::eval(xt::amax(p, {1}, xt::keep_dims)));
  p /= xt::eval(xt::sum(p, {1}, xt::keep_dims));
}

}  // namespace

double error_rate(const Tensor<float>& p, const std::vector<std::size_t>& labels) {
  require_rows("error_rate", p, labels);
  double wrong = 0;
  for (std::size_t n = 0; n < labels.size(); ++n) wrong += largest(p, n) != labels[n];
  return wrong / static_cast<double>(labels.size());
}

double cluster_accuracy(const Tensor<float>& p, const std::vector<std::size_t>& labels) {
  require_rows("cluster_accuracy", p, labels);
  std::vector<std::size_t> best(p.shape(1), 0);  // of each cluster: its most probable row
  for (std::size_t n = 0; n < labels.size(); ++n)
    for (std::size_t k = 0; k < best.size(); ++k)
      if (p(n, k) > p(best[k], k)) best[k] = n;
  double right = 0;
  for (std::size_t n = 0; n < labels.size(); ++n) right += labels[n] == labels[best[largest(p, n)]];
  return right / static_cast<double>(labels.size());
}

// Newton's steps with a bound in the Hessian's place, ½ xᵀ x + I ≥ −∂²/∂w² (Böhning 1992): each one rises.
Tensor<float> logistic_regression(const Tensor<float>& x, const std::vector<std::size_t>& labels,
                                  std::size_t classes, const Tensor<float>& test) {
  constexpr int most_steps = 5000;
  if (x.dimension() != 2 || labels.size() != x.shape(0) || labels.empty() ||
      *std::max_element(labels.begin(), labels.end()) >= classes)
    fail("logistic_regression", "x is " + to_string(x.shape()) + ", labels are " +
                                    std::to_string(labels.size()) + ", all must be below " +
                                    std::to_string(classes));
  const Tensor<double> rows = with_constant(x);
  const std::size_t width = rows.shape(1);
  Tensor<double> bound, p, step, w = xt::zeros<double>({width, classes});
  matmul(rows, Transpose::yes, rows, Transpose::no, 0.0, bound);
  bound = 0.5 * bound + xt::eye<double>(width);
  cholesky<double>({bound.data(), width, width});
  for (int i = 0; i < most_steps; ++i) {
    predict(rows, w, p);
    for (std::size_t n = 0; n < labels.size(); ++n) p(n, labels[n]) -= 1;
    matmul(rows, Transpose::yes, p, Transpose::no, 0.0, step);
    step += w;
    for (const auto transpose : {Transpose::no, Transpose::yes})
      solve_triangular<double>({bound.data(), width, width}, transpose, {step.data(), width, classes});
    w -= step;
    if (xt::amax(xt::abs(step))() < 1e-9) break;
  }
  predict(with_constant(test), w, p);
  return xt::cast<float>(p);
}

}  // namespace strata
