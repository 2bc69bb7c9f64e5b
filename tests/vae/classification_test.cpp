#include "strata/vae/classification.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "strata/tests/random_tensor.hpp"

using namespace strata;
using tests::normals;

TEST_CASE("Logistic regression finds the weights at which the posterior's slope is 0") {
  constexpr std::size_t rows = 40, width = 3, classes = 4;
  const Tensor<float> x = xt::cast<float>(normals({rows, width}, 1));
  std::vector<std::size_t> labels;
  for (std::size_t n = 0; n < rows; ++n) labels.push_back(x(n, 0) > 0.3f ? 2 : n % classes);
  const Tensor<float> p = logistic_regression(x, labels, classes, x);
  // ln p at the unit vectors and at 0 tell W and b, but for what all classes share, of which N(0, 1) makes 0.
  Tensor<float> probes = xt::zeros<float>({width + 1, width});
  for (std::size_t d = 0; d < width; ++d) probes(d, d) = 1;
  const Tensor<double> logits = xt::log(xt::cast<double>(logistic_regression(x, labels, classes, probes)));
  for (std::size_t d = 0; d <= width; ++d) {
    double shared = 0;
    const auto weight = [&](std::size_t k) { return logits(d, k) - (d < width ? logits(width, k) : 0.0); };
    for (std::size_t k = 0; k < classes; ++k) shared += weight(k) / classes;
    for (std::size_t k = 0; k < classes; ++k) {
      double slope = -(weight(k) - shared);
      for (std::size_t n = 0; n < rows; ++n)
        slope += (d < width ? x(n, d) : 1.0f) * ((labels[n] == k) - static_cast<double>(p(n, k)));
      CHECK(slope == Approx(0).margin(2e-5));
    }
  }
}

TEST_CASE("Logistic regression tells far clusters apart, and refuses labels that are none") {
  const Tensor<float> x = {{-3, 0}, {-2, 1}, {3, 0}, {2, -1}}, test = {{-4, 0}, {4, 0}};
  const Tensor<float> p = logistic_regression(x, {1, 1, 0, 0}, 2, test);
  CHECK(error_rate(p, {1, 0}) == 0);
  CHECK(p(0, 1) == Approx(p(1, 0)).epsilon(1e-4));  // by symmetry
  CHECK_THROWS_WITH(logistic_regression(x, {1, 1, 0, 2}, 2, test),
                    "[logistic_regression] x is (4, 2), labels are 4, all must be below 2");
  CHECK_THROWS_WITH(logistic_regression(x, {1, 1, 0}, 2, test), Catch::Matchers::Contains("labels are 3"));
}

TEST_CASE("Probabilities that are none have no largest, and are refused") {
  const Tensor<float> p = {{0.5f, 0.5f}, {NAN, 1}};
  const std::string why = " a probability is nan at (1, 0); it must be finite";
  CHECK_THROWS_WITH(error_rate(p, {0, 1}), "[error_rate]" + why);
  CHECK_THROWS_WITH(cluster_accuracy(p, {0, 1}), "[cluster_accuracy]" + why);
}
