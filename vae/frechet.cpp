#include "strata/vae/frechet.hpp"

#include <algorithm>
#include <cmath>

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

// The eigenvalues of a symmetric a, which becomes diagonal, by Jacobi's rotations; those of v's columns are
// turned with it.
Matrix eigenvalues(Matrix a, Matrix& v) {
  const std::size_t n = a.shape(0);
  v = xt::eye<double>(n);
  const auto off_diagonal = [&] { return xt::sum(a * a)() - xt::sum(xt::square(xt::diagonal(a)))(); };
  const double small = 1e-24 * xt::sum(a * a)();
  for (int sweep = 0; sweep < 50 && off_diagonal() > small; ++sweep)
    for (std::size_t p = 0; p + 1 < n; ++p)
      for (std::size_t q = p + 1; q < n; ++q) {
        if (a(p, q) == 0) continue;
        const double theta = (a(q, q) - a(p, p)) / (2 * a(p, q));
        const double t = std::copysign(1 / (std::abs(theta) + std::hypot(1, theta)), theta);
        const double c = 1 / std::hypot(1, t), s = t * c;
        const auto rotate = [&](double& x, double& y) {
          const double old = x;
          x = c * old - s * y;
          y = s * old + c * y;
        };
        for (std::size_t i = 0; i < n; ++i) rotate(a(i, p), a(i, q));
        for (std::size_t i = 0; i < n; ++i) rotate(a(p, i), a(q, i));
        for (std::size_t i = 0; i < n; ++i) rotate(v(i, p), v(i, q));
      }
  return xt::diagonal(a);
}

// √λ, where rounding made no negative number of 0.
Matrix roots(const Matrix& values) { return xt::sqrt(xt::maximum(values, 0.0)); }

}  // namespace

double frechet_distance(const Tensor<float>& a, const Tensor<float>& b) {
  if (a.dimension() != 2 || b.dimension() != 2 || a.shape(1) != b.shape(1) || a.size() == 0 || b.size() == 0)
    fail("frechet_distance", "the features are " + to_string(a.shape()) + " and " + to_string(b.shape()));
  const Moments p(a), q(b);
  Matrix v;
  const Matrix scale = roots(eigenvalues(p.covariance, v));
  const Matrix half = v * scale;  // half halfᵀ = S_a
  const Matrix between = product(half, Transpose::yes, product(q.covariance, Transpose::no, half));
  const double distance = xt::sum(xt::square(p.mean - q.mean))() + xt::sum(xt::diagonal(p.covariance))() +
                          xt::sum(xt::diagonal(q.covariance))() -
                          2 * xt::sum(roots(eigenvalues(between, v)))();
  return std::max(0.0, distance);  // no rounding below 0
}

}  // namespace strata
