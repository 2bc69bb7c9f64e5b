#include "vae/svi.hpp"

#include <catch2/catch.hpp>
#include <numeric>
#include <xtensor-blas/xlinalg.hpp>

#include "autograd/operations.hpp"
#include "tests/random_tensor.hpp"

using namespace strata;
using tests::normals;

namespace {

constexpr std::size_t data = 6, latent = 2, points = 8;
constexpr double variance = 0.5;

// p(x | z) = N(z W + b, σ² I) with orthogonal rows of W, whose posterior is diagonal
ObservationNetwork<double> linear_decoder() {
  Rng rng{1};
  ObservationNetwork<double> decoder(latent, {}, data, {}, Likelihood::normal, variance, rng);
  const Tensor<double> scales = {1.5, 0.8};
  const Tensor<double> orthonormal = std::get<0>(xt::linalg::qr(normals({data, latent}, 2)));
  decoder.output.weight.value = xt::transpose(orthonormal * scales);
  return decoder;
}

}  // namespace

TEST_CASE("On the linear model local inference reaches the exact posterior") {
  auto decoder = linear_decoder();
  const Tensor<double> x = normals({points, data}, 3);
  LocalPosteriors<double> local(points, latent);
  Rng rng{4};
  // falling rates and many draws average the noise of the gradients out
  for (const double rate : {0.1, 0.02, 0.004, 0.0008})
    refine(decoder, local, x, {.steps = 500, .learning_rate = rate, .samples = 50}, rng);
  const Tensor<double>& w = decoder.output.weight.value;
  for (std::size_t i = 0; i < latent; ++i) {
    const auto row = xt::view(w, i, xt::all());
    const double precision = 1 + xt::sum(row * row)() / variance;
    for (std::size_t n = 0; n < points; ++n) {
      const double projection = xt::sum((xt::view(x, n, xt::all()) - decoder.output.bias.value) * row)();
      CHECK(local.mean(n, i) == Approx(projection / variance / precision).margin(0.01));
      CHECK(local.log_variance(n, i) == Approx(-std::log(precision)).margin(0.03));
    }
  }
}

TEST_CASE("Refinement raises the ELBO of what an encoder proposes and leaves the decoder alone") {
  auto decoder = linear_decoder();
  const Tensor<double> x = normals({points, data}, 3);
  LocalPosteriors<double> local(points, latent);
  local.mean = normals({points, latent}, 5);
  const auto bound = [&] {
    Tape<double> tape;
    Rng rng{6};
    const Normal<double> q{tape.constant(local.mean), tape.constant(local.log_variance), {}};
    return sum(local_elbo(decoder, q, tape.constant(x), 100, rng, Mode::inference)).value()();
  };
  const double before = bound();
  const Tensor<double> weight = decoder.output.weight.value;
  Rng rng{7};
  refine(decoder, local, x, {.steps = 50}, rng);
  CHECK(bound() > before + 5);
  CHECK((decoder.output.weight.value == weight));
  CHECK(!decoder.output.weight.gradient.received);
  CHECK_THROWS_WITH(refine(decoder, local, normals({3, data}, 1), {}, rng),
                    "[refine] x is (3, 6), the posteriors' means are (8, 2)");
}

TEST_CASE("The N/B scaling: over an equal partition the minibatches' gradients average to that of all data") {
  Svi<double> svi(linear_decoder(), points, latent);
  const Tensor<double> x = normals({points, data}, 3), mean = normals({points, latent}, 5);
  const auto gradient = [&](std::size_t first, std::size_t count) {
    discard_gradients(svi);
    Tape<double> tape;
    const auto part = [&](const Tensor<double>& whole) {
      return tape.constant(xt::view(whole, xt::range(first, first + count), xt::all()));
    };
    // no noise, so that both sums see the same z: a variance of e^−200
    const Normal<double> q{part(mean), part(Tensor<double>(Shape{points, latent}, -200.0)), {}};
    Rng rng;
    tape.backward(svi.scaled_elbo(q, part(x), 1, rng, Mode::train));
    return svi.decoder.output.weight.gradient.value;
  };
  const Tensor<double> whole = gradient(0, points);
  Tensor<double> average = xt::zeros<double>(whole.shape());
  for (std::size_t first = 0; first < points; first += 2) average += gradient(first, 2) / 4.0;
  CHECK(xt::allclose(average, whole, 1e-12));
}

TEST_CASE("Stochastic variational inference learns the decoder together with the posteriors") {
  Rng rng{1};
  ObservationNetwork<double> decoder(latent, {}, data, {}, Likelihood::normal, variance, rng);
  Svi<double> svi(decoder, points, latent);
  Optimizer<double> optimizer(parameters<double>(svi), Adam{}, 0.02);
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
  CHECK(xt::amax(xt::abs(svi.local.mean))() > 0.1);
}
