// The VAE against another framework's values in double precision.
#include "strata/vae/models/vae.hpp"

#include <catch2/catch.hpp>

#include "strata/autograd/arithmetic.hpp"
#include "strata/tests/reference.hpp"
#include "strata/vae/objective.hpp"

using namespace strata;

namespace {

NormalHead<double>& posterior(Vae<double>& vae, std::size_t t) {
  return std::get<NormalHead<double>>(vae.q[t]);
}

// Calls use(layer, its name in the reference) for every linear layer of a hierarchy.
template <class F> void for_each_layer(Vae<double>& vae, F use) {
  const auto normal = [&](NormalHead<double>& head, const std::string& name) {
    use(head.body.layers[0].linear, name + ".hidden");
    use(head.mean, name + ".mean");
    use(head.scale, name + ".log_variance");
  };
  for (std::size_t t = 0; t < vae.q.size(); ++t) normal(posterior(vae, t), "q." + std::to_string(t + 1));
  for (std::size_t t = 0; t < vae.p.size(); ++t) normal(vae.p[t], "p." + std::to_string(t + 2));
  auto& decoder = std::get<BernoulliHead<double>>(vae.decoder);
  use(decoder.body.layers[0].linear, "p.1.hidden");
  use(decoder.output, "p.1.logits");
}

void set(Linear<double>& layer, const std::string& name, const tests::Reference& reference) {
  reference.set(layer.weight, name + ".weight");
  reference.set(layer.bias, name + ".bias");
}

void check_gradient(const Linear<double>& layer, const std::string& name, const tests::Reference& reference) {
  reference.check_gradient(layer.weight, name + ".weight");
  reference.check_gradient(layer.bias, name + ".bias");
}

// A one-layer VAE's layers and their names in the reference.
template <class Decoder>
std::vector<std::pair<Linear<double>*, std::string>> layers(Vae<double>& vae, Decoder& decoder) {
  auto& encoder = posterior(vae, 0);
  return {{&encoder.body.layers[0].linear, "encoder.0"},
          {&encoder.body.layers[1].linear, "encoder.1"},
          {&encoder.mean, "mean"},
          {&encoder.scale, "log_variance"},
          {&decoder.body.layers[0].linear, "decoder.0"},
          {&decoder.body.layers[1].linear, "decoder.1"},
          {&decoder.output, "output"}};
}

}  // namespace

TEST_CASE("The VAE reproduces the reference: every value and every gradient") {
  for (const auto likelihood : {Likelihood::bernoulli, Likelihood::normal_learned}) {
    const tests::Reference reference(likelihood == Likelihood::bernoulli ? "vae_bernoulli" : "vae_gaussian");
    Rng rng;
    Vae<double> vae({.data = 12, .hidden = {10, 8}, .latent = {3}, .likelihood = likelihood}, rng);
    std::visit(
        [&](auto& decoder) {
          for (const auto& [layer, name] : layers(vae, decoder)) set(*layer, name, reference);
          if constexpr (requires { decoder.log_variance; })
            reference.set(decoder.log_variance, "output.log_variance");

          Tape<double> tape;
          const auto x = tape.constant(reference["input.x"]);
          const auto noise = [&] { return Noise<double>::given({reference["input.epsilon"]}); };
          const auto q = posterior(vae, 0)(x);
          const auto z = sample(q, noise());
          reference.check(q.mean.value(), "output.mean");
          reference.check(q.log_variance.value(), "output.log_variance");
          reference.check(z.value(), "output.z");
          if constexpr (requires { decoder.log_variance; })
            reference.check(decoder(z).mean.value(), "output.decoded");
          else
            reference.check(decoder(z).logits.value(), "output.decoded");

          const auto pass = vae.pass({x}, noise(), training(rng));
          reference.check(pass.log_likelihood.value(), "output.reconstruction");
          reference.check(pass.layers[0].kl.value(), "output.kl");
          reference.check(pass.elbo().value(), "output.elbo");
          const auto loss = -objective(Elbo{}, pass);
          reference.check(loss.value(), "output.loss");
          tape.backward(loss);
          for (const auto& [layer, name] : layers(vae, decoder)) check_gradient(*layer, name, reference);
          if constexpr (requires { decoder.log_variance; })
            reference.check_gradient(decoder.log_variance, "output.log_variance");
        },
        vae.decoder);
  }
}

TEST_CASE("The hierarchy reproduces the reference: every value and every gradient") {
  for (const std::string name : {"hvae_t1", "hvae_t3"}) {
    const tests::Reference reference(name);
    const std::vector<std::size_t> latent =
        name == "hvae_t1" ? std::vector<std::size_t>{4} : std::vector<std::size_t>{6, 4, 3};
    Rng rng;
    Vae<double> vae({.data = 11, .hidden = {9}, .latent = latent, .upper_hidden = {9}}, rng);
    for_each_layer(vae, [&](Linear<double>& layer, const std::string& layer_name) {
      set(layer, layer_name, reference);
    });
    Tape<double> tape;
    std::vector<Tensor<double>> epsilon;
    for (std::size_t t = 1; t <= latent.size(); ++t)
      epsilon.push_back(reference["input.epsilon." + std::to_string(t)]);
    const auto pass =
        vae.pass({tape.constant(reference["input.x"])}, Noise<double>::given(epsilon), training(rng));
    reference.check(pass.log_likelihood.value(), "output.reconstruction");
    reference.check(pass.layers.back().kl.value(), "output.top_kl");
    reference.check(pass.elbo().value(), "output.elbo");
    reference.check(pass.log_weight().value(), "output.log_weight");
    for (std::size_t t = 0; t < latent.size(); ++t) {
      const std::string number = std::to_string(t + 1);
      reference.check(pass.layers[t].z.value(), "output.z." + number);
      reference.check(pass.layers[t].log_q.value(), "output.log_q." + number);
      if (t > 0) reference.check(pass.layers[t - 1].log_p.value(), "output.log_p." + number);
    }
    const auto loss = -objective(Elbo{}, pass);
    reference.check(loss.value(), "output.loss");
    tape.backward(loss);
    for_each_layer(vae, [&](Linear<double>& layer, const std::string& layer_name) {
      check_gradient(layer, layer_name, reference);
    });
  }
}
