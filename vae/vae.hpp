// The variational autoencoder (Kingma and Welling 2014; Rezende et al. 2014).
#pragma once

#include "vae/path.hpp"

namespace strata {

/// p(z) = N(0, I), p(x | z) by a network; q(z | x) a diagonal normal by a network of the same widths.
struct VaeConfig {
  std::size_t data = 784;                             ///< the width of x
  std::vector<std::size_t> hidden = {500, 300, 150};  ///< of the encoder; the decoder has them in reverse
  std::size_t latent = 2;                             ///< the width of z
  MlpOptions networks = {};
  Likelihood likelihood = Likelihood::bernoulli;
  double noise_variance = 0.05;  ///< of normal likelihoods: fixed, or where learning starts
  Scale scale = Scale::log_variance;
  std::size_t condition = 0;  ///< the width of what both networks read beside their input, such as a label
};

template <class T> struct Vae {
  NormalNetwork<T> encoder;       // q(z | x)
  ObservationNetwork<T> decoder;  // p(x | z)

  /// Weights are drawn from `rng`.
  Vae(const VaeConfig& config, Rng& rng);

  /// q(z | x), the draw z = mean + σ ⊙ epsilon, and p(x | z); epsilon (N K, L) is one matrix.
  Path<T> path(const Given<T>& given, const Layers<Var<T>>& epsilon, Rng& rng, Mode mode);

  /// The same with epsilon drawn from N(0, I).
  Path<T> path(const Given<T>& given, Rng& rng, Mode mode);

  /// The width of z.
  Layers<std::size_t> latent() const { return {encoder.mean.bias.value.size()}; }

  static void fields(auto& self, auto&& visit) {
    visit("encoder", self.encoder);
    visit("decoder", self.decoder);
  }
};

}  // namespace strata
