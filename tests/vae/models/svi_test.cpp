#include "strata/vae/models/svi.hpp"

#include <catch2/catch.hpp>
#include <numeric>

#include "strata/autograd/operations.hpp"
#include "strata/tests/complete_fields.hpp"
#include "strata/tests/vae/linear_decoder.hpp"

using namespace strata;
using tests::normals;

namespace {

constexpr std::size_t data = 6, latent = 2, points = 8;
constexpr double variance = 0.5;

HomoscedasticHead<double> linear_decoder() { return tests::orthogonal_decoder({1.5, 0.8}, data, variance); }

}  // namespace

TEST_CASE("On the linear model local inference reaches the exact posterior") {
  auto decoder = linear_decoder();
  const Tensor<double> x = normals({points, data}, 3);
  LocalPosteriors<double> local(points, latent);
  Rng rng{4};
  // falling rates and many draws average the noise of the gradients out
  for (const double rate : {0.1, 0.02, 0.004, 0.0008})
    refine(decoder, local, x, {.steps = 500, .learning_rate = rate, .samples = 50}, rng);
  const Tensor<double> precision = tests::posterior_precision(decoder, variance);
  const Tensor<double> projections =
      xt::linalg::dot(x - decoder.output.bias.value(), xt::transpose(decoder.output.weight.value()));
  CHECK(xt::allclose(local.mean.value(), projections / (variance * precision), 0, 0.01));
  CHECK(xt::allclose(local.log_variance.value(), xt::broadcast(-xt::log(precision), {points, latent}), 0,
                     0.03));
}

TEST_CASE("Refinement raises the ELBO of what an encoder proposes and leaves the decoder alone") {
  auto decoder = linear_decoder();
  const Tensor<double> x = normals({points, data}, 3);
  LocalPosteriors<double> local(points, latent);
  local.mean.write() = normals({points, latent}, 5);
  const auto bound = [&] {
    Tape<double> tape;
    Rng rng{6};
    return sum(local_elbo(decoder, local.on(tape), tape.constant(x), 100, rng)).value()();
  };
  const double before = bound();
  const Tensor<double> weight = decoder.output.weight.value();
  Rng rng{7};
  refine(decoder, local, x, {.steps = 50}, rng);
  CHECK(bound() > before + 5);
  CHECK((decoder.output.weight.value() == weight));
  CHECK(!decoder.output.weight.gradient.received);
  CHECK(!decoder.output.weight.frozen);
  CHECK(decoder.log_variance.frozen);  // as it was
  CHECK_THROWS_WITH(refine(decoder, local, normals({3, data}, 1), {}, rng),
                    "[refine] x is (3, 6), the posteriors' means are (8, 2)");
  CHECK_THROWS_WITH(refine(decoder, local, normals({points, 1}, 1), {}, rng),
                    "[log_prob] x is (8, 1), the normal's mean is (8, 6)");
}

TEST_CASE("The N/B scaling: over an equal partition the minibatches' gradients average to that of all data") {
  Svi<double, HomoscedasticHead<double>> svi(linear_decoder(), points, latent);
  const Tensor<double> x = normals({points, data}, 3), mean = normals({points, latent}, 5);
  const auto gradient = [&](std::size_t first, std::size_t count) {
    discard_gradients(svi);
    Tape<double> tape;
    const auto part = [&](const Tensor<double>& whole) {
      return tape.constant(xt::view(whole, xt::range(first, first + count), xt::all()));
    };
    // no noise, so that both sums see the same z: a variance of e^−200
    const Normal<double> q{part(mean), part(Tensor<double>(Shape{points, latent}, -200.0))};
    Rng rng;
    tape.backward(svi.scaled_elbo(q, part(x), 1, rng));
    return svi.decoder.output.weight.gradient.value;
  };
  const Tensor<double> whole = gradient(0, points);
  Tensor<double> average = xt::zeros<double>(whole.shape());
  for (std::size_t first = 0; first < points; first += 2) average += gradient(first, 2) / 4.0;
  CHECK(xt::allclose(average, whole, 1e-12));
}

TEST_CASE("Stochastic variational inference learns the decoder together with the posteriors") {
  Rng rng{1};
  Svi svi(HomoscedasticHead<double>(latent, {}, data, {}, rng, Variance::fixed, variance), points, latent);
  Optimizer<double> optimizer(parameters(svi.decoder), Adam{}, 0.02);
  const Tensor<double> x = normals({points, data}, 3);
  double first = 0, last = 0;
  for (int epoch = 0; epoch < 60; ++epoch) {
    last = 0;
    for (std::size_t begin = 0; begin < points; begin += 4) {
      std::vector<std::size_t> rows(4);
      std::iota(rows.begin(), rows.end(), begin);
      last +=
          svi.step(rows, xt::view(x, xt::range(begin, begin + 4), xt::all()), optimizer, {.steps = 10}, rng) /
          2;
    }
    if (epoch == 0) first = last;
  }
  CHECK(last > first + 2);
  CHECK_THROWS_WITH(svi.step(std::vector<std::size_t>{8}, normals({1, data}, 1), optimizer, {}, rng),
                    "[Svi] there is no row 8; they are 0 ... 7");
  CHECK(xt::amax(xt::abs(svi.local.mean.value()))() > 0.1);
}

TEST_CASE("Local inference names what is not finite") {
  auto decoder = linear_decoder();
  LocalPosteriors<double> local(points, latent);
  local.log_variance.write()(3, 1) = 2000;
  Rng rng{7};
  CHECK_THROWS_WITH(refine(decoder, local, normals({points, data}, 3), {}, rng),
                    Catch::Matchers::Contains("[refine] a gradient is not finite: `") &&
                        Catch::Matchers::Contains("`log_variance` (8, 2) from 0 to 2000"));
  CHECK(!decoder.output.weight.frozen);
  Svi svi(linear_decoder(), points, latent);
  svi.decoder.output.bias.write()(0) = std::nan("");
  Optimizer<double> optimizer(parameters(svi.decoder), Adam{}, 0.02);
  CHECK_THROWS_WITH(
      svi.step(std::vector<std::size_t>{1}, normals({1, data}, 3), optimizer, {}, rng),
      Catch::Matchers::Contains("[refine] a gradient is not finite: `output.bias` is NaN in 1 of 6 values"));
}

TEST_CASE("The fields of a model with local posteriors are complete") {
  Svi svi(linear_decoder(), points, latent);
  const Tensor<double> x = normals({points, data}, 3);
  Rng rng{1};
  tests::check_complete_fields(
      svi, [&](Tape<double>& tape) { return svi.scaled_elbo(svi.local.on(tape), tape.constant(x), 1, rng); });
}
