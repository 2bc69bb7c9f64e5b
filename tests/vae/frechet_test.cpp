#include "strata/vae/frechet.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "strata/tests/random_tensor.hpp"

using namespace strata;
using tests::normals;

namespace {

// Points of mean m and covariance c cᵀ, exactly: m ± √D times c's columns.
Tensor<float> points(const Tensor<double>& m, const Tensor<double>& c) {
  const std::size_t width = m.size();
  Tensor<float> x(Shape{2 * width, width});
  for (std::size_t k = 0; k < width; ++k)
    for (std::size_t d = 0; d < width; ++d) {
      const double step = std::sqrt(static_cast<double>(width)) * c(d, k);
      x(2 * k, d) = static_cast<float>(m(d) + step);
      x(2 * k + 1, d) = static_cast<float>(m(d) - step);
    }
  return x;
}

}  // namespace

TEST_CASE("The Fréchet distance is that of normals with the rows' moments") {
  const Tensor<double> m = {1, -2}, n = {0, 1}, c = {{2, 0}, {0, 0.5}}, d = {{1, 0}, {0, 1.5}};
  CHECK(frechet_distance(points(m, c), points(m, c)) == Approx(0).margin(1e-5));
  CHECK(frechet_distance(points(m, c), points(n, c)) == Approx(10).epsilon(1e-5));
  // Covariances that commute: Σ (σ − σ')²
  CHECK(frechet_distance(points(m, c), points(n, d)) == Approx(10 + 1 + 1).epsilon(1e-5));
  // Of two dimensions tr (S_a^½ S_b S_a^½)^½ = √(tr S_a S_b + 2 √(det S_a det S_b)).
  const Tensor<double> e = {{1, 0}, {1.2, 0.7}}, f = {{0.4, 0.3}, {-0.8, 1.1}};
  const auto gram = [](const Tensor<double>& x) {
    return Tensor<double>{{x(0, 0) * x(0, 0) + x(0, 1) * x(0, 1), x(0, 0) * x(1, 0) + x(0, 1) * x(1, 1)},
                          {x(0, 0) * x(1, 0) + x(0, 1) * x(1, 1), x(1, 0) * x(1, 0) + x(1, 1) * x(1, 1)}};
  };
  const Tensor<double> s = gram(e), t = gram(f);
  const auto determinant = [](const Tensor<double>& x) { return x(0, 0) * x(1, 1) - x(0, 1) * x(1, 0); };
  const double trace = s(0, 0) * t(0, 0) + 2 * s(0, 1) * t(0, 1) + s(1, 1) * t(1, 1);
  const double root = std::sqrt(trace + 2 * std::sqrt(determinant(s) * determinant(t)));
  CHECK(frechet_distance(points(m, e), points(n, f)) ==
        Approx(10 + s(0, 0) + s(1, 1) + t(0, 0) + t(1, 1) - 2 * root).epsilon(1e-5));
}

TEST_CASE("Features that do not vary, and many dimensions, do no harm to it; other widths are refused") {
  const Tensor<float> x = xt::cast<float>(normals({300, 40}, 1));
  Tensor<float> flat = x;
  xt::view(flat, xt::all(), xt::range(0, 10)) = 1.0f;
  const Tensor<float> twice = 2.0f * flat;
  double variances = 0, means = 0;  // of 2 x against x: Σ σ² + |m|²
  for (std::size_t d = 0; d < 40; ++d) {
    const auto column = xt::eval(xt::view(xt::cast<double>(flat), xt::all(), d));
    variances += xt::variance(column)();
    means += std::pow(xt::mean(column)(), 2);
  }
  CHECK(frechet_distance(flat, twice) == Approx(variances + means).epsilon(1e-5));
  CHECK(frechet_distance(x, twice) == Approx(frechet_distance(twice, x)).epsilon(1e-6));
  CHECK_THROWS_WITH(frechet_distance(x, xt::cast<float>(normals({3, 4}, 1))),
                    "[frechet_distance] the features are (300, 40) and (3, 4)");
  flat(7, 20) = NAN;
  const std::string why = "[frechet_distance] a feature is nan at (7, 20); it must be finite";
  CHECK_THROWS_WITH(frechet_distance(flat, x), why);
  CHECK_THROWS_WITH(frechet_distance(x, flat), why);
}
