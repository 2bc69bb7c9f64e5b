// A mixture of normals as the prior.
#include "strata/tests/vae/parts/check_model.hpp"
#include "strata/vae/heads.hpp"
#include "strata/vae/single_layer.hpp"

using namespace strata;

namespace {

/// p(z) = Σ_k π_k N(z; μ_k, diag e^s_k), π = softmax(logits)
template <class T> struct Mixture {
  Var<T> logits;              // (K)
  Var<T> mean, log_variance;  // (K, L)
};

// ln Σ_k e^(ln π_k + ln N(z; μ_k, diag e^s_k))
template <class T> Var<T> log_prob(const Mixture<T>& p, Var<T> z) {
  const auto rows = unsqueeze(z, 1, p.logits.shape()[0]);  // (B, K, L)
  return logsumexp(normal_log_density(rows, p.mean, p.log_variance) + log_softmax(p.logits));
}

template <class T> struct MixtureVae {
  NormalHead<T> encoder;
  BernoulliHead<T> decoder;
  Parameter<T> logits, mean, log_variance;

  MixtureVae(std::size_t data, std::size_t latent, std::size_t components, Rng& rng)
      : encoder(data, {12}, latent, {}, rng),
        decoder(latent, {12}, data, {}, rng),
        logits{xt::zeros<T>({components})},
        mean{Tensor<T>::from_shape({components, latent})},
        log_variance{xt::zeros<T>({components, latent})} {
    fill_normal(rng, mean.write());
  }

  Pass<T> pass(const Given<T>& given, const Noise<T>& noise, Context context = {}) const {
    Tape<T>& tape = given.x.tape();
    const Mixture<T> prior{logits.on(tape), mean.on(tape), log_variance.on(tape)};
    return single_layer_pass(given, encoder(given.x, context), decoder, prior, noise, context);
  }

  static void fields(auto& self, auto&& visit) {
    visit("encoder", self.encoder);
    visit("decoder", self.decoder);
    visit("prior.logits", self.logits);
    visit("prior.mean", self.mean);
    visit("prior.log_variance", self.log_variance);
  }
};

}  // namespace

TEST_CASE("A mixture prior is a part: its model trains, is saved and evaluated") {
  tests::check_model([]<class T>(Rng& rng) { return MixtureVae<T>(tests::pixels, 2, 3, rng); });
  tests::check_model([]<class T>(Rng& rng) { return MixtureVae<T>(tests::pixels, 2, 3, rng); }, Iwae{});
}

TEST_CASE("A model of one's own trains by DReG, too") {
  Rng rng{1};
  MixtureVae<float> model(tests::pixels, 2, 3, rng), other(tests::pixels, 2, 3, rng);
  Optimizer<float> adam(parameters(model), Adam{}, 1e-2);
  ObjectiveStep step(model, adam, Dreg{}, {.samples = 4});
  tests::check_training(model, other, step, tests::half_lit(320), Binarize::dynamic);
}

TEST_CASE("A mixture of one normal is that normal, and of equal ones too") {
  Tape<double> tape;
  Rng rng{2};
  const auto normals = [&](const Shape& shape) { return Noise<double>(rng).normal(tape, shape); };
  const auto z = normals({5, 3}), mean = normals({1, 3}), log_variance = normals({1, 3});
  const auto expected = normal_log_density(z, mean, log_variance).value();
  CHECK(
      xt::allclose(log_prob(Mixture<double>{normals({1}), mean, log_variance}, z).value(), expected, 1e-12));
  const Mixture<double> equal{normals({4}), broadcast(mean, {4, 3}), broadcast(log_variance, {4, 3})};
  CHECK(xt::allclose(log_prob(equal, z).value(), expected, 1e-12));
}
