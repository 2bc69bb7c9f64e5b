// The variational mixture of posteriors as the prior (Tomczak and Welling 2018).
#include "strata/tests/vae/parts/check_model.hpp"
#include "strata/vae/heads.hpp"
#include "strata/vae/single_layer.hpp"

using namespace strata;

namespace {

/// p(z) = 1/K Σ_k q(z | u_k)
template <class T> struct VampPrior {
  Normal<T> components;  // (K, L)
};
template <class T> Var<T> log_prob(const VampPrior<T>& p, Var<T> z) {
  const auto& [mean, log_variance] = p.components;
  const std::size_t count = mean.shape()[0];  // K
  return logsumexp(normal_log_density(unsqueeze(z, 1, count), mean, log_variance)) -
         std::log(static_cast<T>(count));
}

/// With learned pseudo-inputs u_k in (0, 1).
template <class T> struct VampVae {
  NormalHead<T> encoder;
  BernoulliHead<T> decoder;
  Parameter<T> pseudo_inputs;  // (K, D), logits

  VampVae(std::size_t data, std::size_t latent, std::size_t components, Rng& rng)
      : encoder(data, {12}, latent, {}, rng),
        decoder(latent, {12}, data, {}, rng),
        pseudo_inputs{Tensor<T>::from_shape({components, data})} {
    fill_normal(rng, pseudo_inputs.write());
  }

  Pass<T> pass(const Given<T>& given, const Noise<T>& noise, Context context = {}) const {
    const VampPrior<T> prior{encoder(sigmoid(pseudo_inputs.on(given.x.tape())), context)};
    return single_layer_pass(given, encoder(given.x, context), decoder, prior, noise, context);
  }

  static void fields(auto& self, auto&& visit) {
    visit("encoder", self.encoder);
    visit("decoder", self.decoder);
    visit("pseudo_inputs", self.pseudo_inputs);
  }
};

}  // namespace

TEST_CASE("A VampPrior is a part: its model trains, is saved and evaluated") {
  tests::check_model([]<class T>(Rng& rng) { return VampVae<T>(tests::pixels, 2, 3, rng); });
}

TEST_CASE("With one pseudo-input, which is x, the VampPrior's divergence is 0") {
  Rng rng{3};
  const VampVae<double> vae(tests::pixels, 2, 1, rng);
  Tape<double> tape;
  const Given<double> given{sigmoid(tape.constant(vae.pseudo_inputs.value())), {}, 50};
  const Tensor<double> divergence = vae.pass(given, rng).layers[0].divergence().value();
  CHECK(xt::amax(xt::abs(divergence))() < 1e-12);
}
