// Normal likelihoods whose residuals are correlated.
#include "strata/vae/structured.hpp"

#include <numbers>
#include <xtensor-blas/xlinalg.hpp>

#include "strata/tests/random_tensor.hpp"
#include "strata/tests/vae/parts/check_model.hpp"
#include "strata/vae/single_layer.hpp"

using namespace strata;
using namespace strata::tests;

namespace {

constexpr std::size_t height = 3, width = 4, pixels_here = height * width;

// L of the whole image, from what the distribution holds of it for row 0
Tensor<double> factor(const StructuredNormal<double>& p) {
  Tensor<double> l(Shape{pixels_here, pixels_here}, 0.0);
  const std::ptrdiff_t rows[] = {0, 1, 1, 1}, columns[] = {1, -1, 0, 1};
  for (std::size_t j = 0; j < pixels_here; ++j) {
    l(j, j) = std::exp(p.log_diagonal.value()(0, j));
    for (std::size_t n = 0; n < 4; ++n) {
      const auto row = static_cast<std::ptrdiff_t>(j / width) + rows[n],
                 column = static_cast<std::ptrdiff_t>(j % width) + columns[n];
      if (row < static_cast<std::ptrdiff_t>(height) && column >= 0 &&
          column < static_cast<std::ptrdiff_t>(width))
        l(static_cast<std::size_t>(row) * width + static_cast<std::size_t>(column), j) =
            p.below.value()(0, n * pixels_here + j);
    }
  }
  return l;
}

StructuredNormal<double> random_one(Tape<double>& tape, std::size_t rows) {
  const auto same = [&](const Tensor<double>& row) {
    return tape.constant(Tensor<double>(xt::broadcast(row, {rows, row.shape(1)})));
  };
  return {same(normals({1, pixels_here}, 1)),
          same(0.3 * normals({1, pixels_here}, 2)),
          same(0.5 * normals({1, 4 * pixels_here}, 3)),
          {height, width}};
}

template <class T> struct StructuredVae {
  NormalHead<T> encoder;
  StructuredHead<T> decoder;

  explicit StructuredVae(Rng& rng)
      : encoder(pixels, {12}, 2, {}, rng), decoder(2, {12}, {4, 4}, {}, rng, std::log(0.1)) {}

  Pass<T> pass(const Given<T>& given, const Noise<T>& noise, Context context = {}) const {
    return single_layer_pass(given, encoder(given.x, context), decoder, standard_normal, noise, context);
  }
  static void fields(auto& self, auto&& visit) {
    visit("encoder", self.encoder);
    visit("decoder", self.decoder);
  }
};

}  // namespace

TEST_CASE("A structured normal's density is that of the dense one") {
  Tape<double> tape;
  const auto p = random_one(tape, 1);
  const Tensor<double> l = factor(p), x = normals({1, pixels_here}, 4);
  const Tensor<double> y = xt::linalg::dot(x - p.mean.value(), l);
  double expected = -0.5 * (xt::sum(y * y)() + pixels_here * std::log(2 * std::numbers::pi));
  for (std::size_t j = 0; j < pixels_here; ++j) expected += std::log(l(j, j));
  CHECK(log_prob(p, tape.constant(x)).value()(0) == Approx(expected).epsilon(1e-12));
  CHECK_THROWS_WITH(log_prob(p, tape.constant(normals({1, 5}, 4))), Catch::Matchers::Contains("x is (1, 5)"));
}

TEST_CASE("Draws have the covariance (L Lᵀ)⁻¹, and their mean log density is minus the entropy") {
  Tape<double> tape;
  constexpr std::size_t count = 40000;
  const auto p = random_one(tape, count);
  Rng rng{5};
  const auto x = sample(p, rng);
  const Tensor<double> residual = x.value() - p.mean.value(), l = factor(p);
  const Tensor<double> found =
      xt::linalg::dot(xt::transpose(residual), residual) / static_cast<double>(count);
  const Tensor<double> exact = xt::linalg::inv(xt::linalg::dot(l, xt::transpose(l)));
  for (std::size_t i = 0; i < pixels_here; ++i)
    for (std::size_t j = 0; j < pixels_here; ++j)
      CHECK(std::abs(found(i, j) - exact(i, j)) < 6 * std::sqrt(exact(i, i) * exact(j, j) / count) + 1e-9);
  // ½ D ln(2 π e) − Σ ln L_jj
  double entropy = 0.5 * pixels_here * std::log(2 * std::numbers::pi * std::numbers::e);
  for (std::size_t j = 0; j < pixels_here; ++j) entropy -= std::log(l(j, j));
  const Tensor<double> densities = log_prob(p, x).value();
  const auto [mean, error] = mean_and_error({densities.begin(), densities.end()});
  CHECK(std::abs(mean + entropy) < 4 * error);
}

TEST_CASE(
    "A stationary field along a row has the factor of its precision, and its entropy as best likelihood") {
  // x_j = a x_{j+1} + e_j, e_j ~ N(0, s²), from the right end on, where x ~ N(0, s² / (1 − a²)): L holds 1 /
  // s and −a / s beside it, and at the right end √(1 − a²) / s.
  constexpr double a = 0.8, s = 0.5;
  constexpr std::size_t length = 6;
  Tape<double> tape;
  Tensor<double> diagonal(Shape{1, length}, -std::log(s)), below(Shape{1, 4 * length}, 0.0);
  diagonal(0, length - 1) = 0.5 * std::log(1 - a * a) - std::log(s);
  for (std::size_t j = 0; j < length; ++j) below(0, j) = -a / s;
  const StructuredNormal<double> p{tape.constant(xt::zeros<double>({std::size_t{1}, length})),
                                   tape.constant(diagonal),
                                   tape.constant(below),
                                   {1, length}};
  Tensor<double> covariance(Shape{length, length});
  for (std::size_t i = 0; i < length; ++i)
    for (std::size_t j = 0; j < length; ++j)
      covariance(i, j) =
          std::pow(a, std::abs(static_cast<double>(i) - static_cast<double>(j))) * s * s / (1 - a * a);
  const Tensor<double> x = normals({1, length}, 7);
  const double quadratic = xt::linalg::dot(xt::linalg::dot(x, Tensor<double>(xt::linalg::inv(covariance))),
                                           xt::transpose(x))(0, 0);
  CHECK(log_prob(p, tape.constant(x)).value()(0) ==
        Approx(-0.5 *
               (quadratic + std::log(xt::linalg::det(covariance)) + length * std::log(2 * std::numbers::pi)))
            .epsilon(1e-10));
}

TEST_CASE("A decoder with structured residuals is a part: its model trains, is saved and evaluated") {
  check_model([]<class T>(Rng& rng) { return StructuredVae<T>(rng); }, Elbo{}, half_lit(320), Binarize::none);
}
