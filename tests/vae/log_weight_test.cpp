#include "strata/vae/log_weight.hpp"

#include <catch2/catch.hpp>

#include "strata/autograd/reduce.hpp"
#include "strata/tests/vae/models/linear_chain.hpp"
#include "strata/vae/simulation.hpp"

using namespace strata;
using namespace strata::tests;

namespace {

Vae<double> two_layers(PosteriorKind covariance = PosteriorKind::normal) {
  Rng rng{1};
  return {{.data = 5,
           .hidden = {4},
           .latent = {3, 2},
           .upper_hidden = {4},
           .posterior = covariance,
           .top_posterior = covariance},
          rng};
}

const Matrix image = {{1.0, 0.0, 0.0, 1.0, 1.0}};

}  // namespace

TEST_CASE("ln w(ε) is the pass's weight of the same noise, with its derivative and none of the parameters'") {
  for (const auto covariance : {PosteriorKind::normal, PosteriorKind::full}) {
    auto model = two_layers(covariance);
    const auto log_weight = log_weight_of<double>(model, {image});
    REQUIRE(log_weight.width() == 5);
    const Matrix epsilon = normals({7, 5}, 3);
    Matrix value, gradient;
    log_weight(epsilon, value, &gradient);
    Tape<double> tape(Record::values);
    const auto pass = model.pass({tape.constant(image), {}, 7},
                                 Noise<double>::given({xt::view(epsilon, xt::all(), xt::range(0, 3)),
                                                       xt::view(epsilon, xt::all(), xt::range(3, 5))}));
    CHECK(xt::allclose(value, pass.log_weight().value(), 1e-12, 1e-12));
    for (const auto& [name, parameter] : parameters(model)) {
      INFO(name);
      CHECK_FALSE(parameter->gradient.received);
    }
    for (std::size_t i = 0; i < 5; ++i) {
      constexpr double h = 1e-5;
      Matrix above = epsilon, below = epsilon, value_above, value_below;
      xt::view(above, xt::all(), i) += h;
      xt::view(below, xt::all(), i) -= h;
      log_weight(above, value_above);
      log_weight(below, value_below);
      CHECK(
          xt::allclose(xt::view(gradient, xt::all(), i), (value_above - value_below) / (2 * h), 1e-7, 1e-7));
    }
  }
}

TEST_CASE("Noise may be a variable, and uniform noise is Φ of it") {
  Tape<double> tape;
  const auto epsilon = tape.variable(normals({2, 3}, 1));
  const auto noise = [&] { return detail::noise_columns(epsilon); };
  const auto z = sample(Normal<double>{tape.constant(Matrix(Shape{2, 3}, 1.0)),
                                       tape.constant(Matrix(Shape{2, 3}, std::log(4.0)))},
                        noise());
  tape.backward(sum(z));
  CHECK(xt::allclose(epsilon.grad(), 2));
  const auto flat = noise().normal(tape, Shape{2, 3, 1});
  CHECK(flat.shape() == Shape{2, 3, 1});
  const Matrix u = noise().uniform(tape, Shape{2, 3}).value();
  for (std::size_t i = 0; i < 6; ++i)
    CHECK(u.data()[i] == Approx(0.5 * std::erfc(-epsilon.value().data()[i] / std::sqrt(2.0))));
}

TEST_CASE("Noise out of all bounds has weight 0 and no derivative") {
  const auto model = two_layers();
  const auto log_weight = log_weight_of<double>(model, {image});
  Matrix epsilon = normals({3, 5}, 3), value, gradient, alone;
  log_weight(epsilon, alone);
  epsilon(0, 2) = NAN;
  epsilon(2, 4) = -1e30;
  log_weight(epsilon, value, &gradient);
  for (const std::size_t lost : {0, 2}) {
    CHECK(value(lost) == -std::numeric_limits<double>::infinity());
    CHECK(xt::all(xt::equal(xt::view(gradient, lost), 0)));
  }
  CHECK(value(1) == alone(1));
  CHECK_THROWS_WITH(log_weight(Matrix(Shape{2, 4}, 0.0), value),
                    "[LogWeight] the noise is (2, 4), the model needs (B, 5)");
  CHECK_THROWS_WITH(log_weight_of<double>(model, {Matrix(Shape{2, 5}, 0.0)}),
                    "[log_weight_of] needs one image, x is (2, 5)");
}

TEST_CASE("The noise of given latents is found, for any covariance and number of layers") {
  for (const std::size_t layers : {1, 2, 3})
    for (const auto covariance : {PosteriorKind::normal, PosteriorKind::full}) {
      const auto chain = make_chain(layers, covariance);
      const Batch<double> x{normals({1, chain_width}, 4)};
      Rng rng{5};
      const auto [z, mean] = simulate<double>(chain.model, 1, {}, rng);
      const Matrix epsilon = noise_of(chain.model, x, z).value();
      Tape<double> tape(Record::values);
      const Matrix row = xt::view(epsilon, xt::newaxis(), xt::all());
      const auto pass = chain.model.pass(x.on(tape), detail::noise_columns(tape.constant(row)));
      INFO(layers << " layers");
      for (std::size_t t = 0; t < layers; ++t)
        CHECK(xt::allclose(pass.layers[t].z.value(), z[t], 1e-9, 1e-9));
      Layers<Var<double>> all;
      for (const auto& layer : z) all.push_back(tape.constant(layer));
      CHECK(xt::allclose(mean, chain.model.decode(all, {}, rng).value()));
    }
}

TEST_CASE("The noise of given latents is found through flows, and is not where there is none") {
  for (const auto kind : {PosteriorKind::coupling, PosteriorKind::iaf}) {
    Rng rng{2};
    Vae<double> vae({.data = chain_width,
                     .hidden = {5},
                     .latent = {4, 3},
                     .upper_hidden = {5},
                     .likelihood = Likelihood::normal,
                     .posterior = kind,
                     .top_posterior = kind,
                     .flow_steps = 3,
                     .flow_hidden = {6}},
                    rng);
    const Batch<double> x{normals({1, chain_width}, 4)};
    const auto [z, mean] = simulate<double>(vae, 1, {}, rng);
    const auto epsilon = noise_of(vae, x, z);
    REQUIRE(epsilon.has_value());
    Tape<double> tape(Record::values);
    const Matrix row = xt::view(*epsilon, xt::newaxis(), xt::all());
    const auto pass = vae.pass(x.on(tape), detail::noise_columns(tape.constant(row)));
    for (std::size_t t = 0; t < 2; ++t) CHECK(xt::allclose(pass.layers[t].z.value(), z[t], 1e-3, 1e-3));
    CHECK(!noise_of(vae, x, {z[0]}).has_value());
    CHECK(!noise_of(vae, x, {z[1], z[0]}).has_value());
  }
}

TEST_CASE("Simulated layers are drawn together: z_t from p(z_t | z_{t+1})") {
  const auto chain = make_chain(2, PosteriorKind::normal);
  Rng rng{5};
  const auto [z, mean] = simulate<double>(chain.model, 20000, {}, rng);
  const auto& p = chain.model.p[0];
  const Matrix residual = z[0] - dot(z[1], p.mean.weight.value()) - p.mean.bias.value();
  const Matrix variance = xt::mean(residual * residual, {0}), expected = xt::exp(p.scale.bias.value());
  CHECK(xt::allclose(variance, expected, 0.05, 0));
  const Matrix x_mean = xt::mean(mean, {0});
  CHECK(xt::allclose(x_mean, xt::view(chain.mean, 0), 0, 0.1));
  const auto after = rng;
  Rng again{5};
  (void)simulate<double>(chain.model, 20000, {}, again);
  CHECK(again.counter == after.counter);
  CHECK(after.counter > 0);
}
