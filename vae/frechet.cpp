#include "strata/vae/frechet.hpp"

#include <algorithm>
#include <xtensor-blas/xlinalg.hpp>

#include "strata/tensor/interval.hpp"
#include "strata/tensor/linalg.hpp"

namespace strata {
namespace {

using Matrix = Tensor<double>;

Matrix product(const Matrix& a, Transpose transpose, const Matrix& b) {
  Matrix c;
  matmul(a, transpose, b, Transpose::no, 0.0, c);
  return c;
}

struct Moments {
  Matrix mean, covariance;  // (D), (D, D)
  explicit Moments(const Tensor<float>& x) {
    const Matrix rows = xt::cast<double>(x);
    mean = xt::mean(rows, {0});
    const Matrix centred = rows - mean;
    covariance = product(centred, Transpose::yes, centred) / static_cast<double>(x.shape(0));
  }
};

// √λ, where rounding made no negative number of 0.
Matrix roots(const Matrix& values) { return xt::sqrt(xt::maximum(values, 0.0)); }

}  // namespace

double frechet_distance(const Tensor<float>& a, const Tensor<float>& b) {
  if (a.dimension() != 2 || b.dimension() != 2 || a.shape(1) != b.shape(1) || a.size() == 0 || b.size() == 0)
    fail("frechet_distance", "the features are " + to_string(a.shape()) + " and " + to_string(b.shape()));
  for (const auto* x : {&a, &b}) require_within("frechet_distance", "a feature", *x, real_numbers);
  const Moments p(a), q(b);
  const auto [values, vectors] = xt::linalg::eigh(p.covariance);
  const Matrix half = vectors * roots(values);  // half halfᵀ = S_a
  const Matrix between = product(half, Transpose::yes, product(q.covariance, Transpose::no, half));
  const double distance = xt::sum(xt::square(p.mean - q.mean))() + xt::sum(xt::diagonal(p.covariance))() +
                          xt::sum(xt::diagonal(q.covariance))() -
                          2 * xt::sum(roots(xt::linalg::eigvalsh(between)))();
  return std::max(0.0, distance);  // no rounding below 0
}

}  // namespace strata
