#include "vae/vae.hpp"

#include <catch2/catch.hpp>

#include "autograd/operations.hpp"
#include "nn/gradcheck.hpp"
#include "tests/reference.hpp"

using namespace strata;

namespace {

void set(Linear<double>& linear, const std::string& name, const tests::Reference& reference) {
  reference.set(linear.weight, name + ".weight");
  reference.set(linear.bias, name + ".bias");
}

void check_gradient(const Linear<double>& linear, const std::string& name,
                    const tests::Reference& reference) {
  reference.check_gradient(linear.weight, name + ".weight");
  reference.check_gradient(linear.bias, name + ".bias");
}

// The model's layers and their names in the reference.
std::vector<std::pair<Linear<double>*, std::string>> layers(Vae<double>& vae) {
  return {{&vae.encoder.body.layers[0].linear, "encoder.0"},
          {&vae.encoder.body.layers[1].linear, "encoder.1"},
          {&vae.encoder.mean, "mean"},
          {&vae.encoder.scale, "log_variance"},
          {&vae.decoder.body.layers[0].linear, "decoder.0"},
          {&vae.decoder.body.layers[1].linear, "decoder.1"},
          {&vae.decoder.output, "output"}};
}

Tensor<double> binary(const Shape& shape) {
  Rng rng{5};
  Tensor<double> x(shape, 0.5);
  fill_bernoulli(rng, x, x);
  return x;
}

}  // namespace

TEST_CASE("The VAE reproduces the reference: every value and every gradient") {
  for (const auto likelihood : {Likelihood::bernoulli, Likelihood::normal_learned}) {
    const tests::Reference reference(likelihood == Likelihood::bernoulli ? "vae_bernoulli" : "vae_gaussian");
    Rng rng;
    Vae<double> vae({.data = 12, .hidden = {10, 8}, .latent = 3, .likelihood = likelihood}, rng);
    for (const auto& [layer, name] : layers(vae)) set(*layer, name, reference);
    if (vae.decoder.log_variance) reference.set(*vae.decoder.log_variance, "output.log_variance");

    Tape<double> tape;
    const auto x = tape.constant(reference["input.x"]), epsilon = tape.constant(reference["input.epsilon"]);
    const auto q = vae.encoder(x, rng, Mode::train);
    const auto z = sample(q, epsilon);
    reference.check(q.mean.value(), "output.mean");
    reference.check(q.log_variance.value(), "output.log_variance");
    reference.check(z.value(), "output.z");
    reference.check(vae.decoder(z, rng, Mode::train).location.value(), "output.decoded");

    const auto parts = terms(vae.path({x}, {epsilon}, rng, Mode::train));
    reference.check(parts.reconstruction.value(), "output.reconstruction");
    reference.check(parts.top_kl.value(), "output.kl");
    reference.check(parts.elbo().value(), "output.elbo");
    const auto loss = -mean(parts.elbo());
    reference.check(loss.value(), "output.loss");
    tape.backward(loss);
    for (const auto& [layer, name] : layers(vae)) check_gradient(*layer, name, reference);
    if (vae.decoder.log_variance) reference.check_gradient(*vae.decoder.log_variance, "output.log_variance");
  }
}

TEST_CASE("The VAE's gradients are right with every likelihood, scale, activation and beta") {
  for (const auto likelihood : {Likelihood::bernoulli, Likelihood::normal, Likelihood::normal_learned,
                                Likelihood::normal_learned_each})
    for (const auto scale : {Scale::log_variance, Scale::softplus})
      for (const bool batch_norm : {false, true}) {
        Rng rng{1};
        const MlpOptions networks{.activation = batch_norm ? Activation::tanh : Activation::softplus,
                                  .batch_norm = batch_norm};
        Vae<double> vae({7, {5, 4}, 2, networks, likelihood, 0.3, scale}, rng);
        const auto x = binary({6, 7});
        const auto report = gradcheck(vae, [&](Tape<double>& tape) {
          Rng noise{3};
          return mean(terms(vae.path({tape.constant(x)}, noise, Mode::train)).elbo(0.7));
        });
        INFO(to_string(likelihood) << ", " << to_string(scale) << ", batch norm " << batch_norm);
        CHECK(report.message == "");
      }
}

TEST_CASE("Beta weighs the KL and nothing else") {
  Rng rng{1};
  Vae<double> vae({.data = 7, .hidden = {5}, .latent = 2}, rng);
  Tape<double> tape;
  const auto parts = terms(vae.path({tape.constant(binary({3, 7}))}, rng, Mode::inference));
  CHECK(xt::allclose(parts.elbo(4).value(), parts.reconstruction.value() - 4.0 * parts.kl(0).value(), 1e-14));
  CHECK(xt::all(xt::greater(parts.kl(0).value(), 0.0)));
}

TEST_CASE("A softplus scale gives the standard deviation softplus s") {
  Rng rng{1};
  NormalNetwork<double> network(4, {3}, 2, {}, Scale::softplus, Covariance::diagonal, rng);
  Tape<double> tape;
  const auto x = tape.constant(binary({5, 4}));
  const auto q = network(x, rng, Mode::inference);
  const Tensor<double> s = network.scale(network.body(x, rng, Mode::inference)).value();
  CHECK(xt::allclose(xt::exp(0.5 * q.log_variance.value()), xt::log1p(xt::exp(s)), 1e-12));
}

TEST_CASE("Unknown names and impossible configurations are refused") {
  CHECK_THROWS_WITH(parse_likelihood("poisson"),
                    "[likelihood] 'poisson' is unknown; there are bernoulli, normal, normal-learned, "
                    "normal-learned-each");
  CHECK_THROWS_WITH(parse_scale("variance"),
                    "[scale] 'variance' is unknown; there are log_variance, softplus");
  Rng rng;
  CHECK_THROWS_WITH(Vae<double>({.noise_variance = 0}, rng), Catch::Matchers::Contains("it must be above 0"));
  CHECK_THROWS_WITH(Vae<double>({.latent = 0}, rng),
                    Catch::Matchers::Contains("[Linear] needs widths of at least 1"));
}
