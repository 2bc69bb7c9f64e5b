// The infinite variational autoencoder (Abbasnejad et al. 2017): a mixture of VAEs under a Dirichlet process,
// which uses as many as the data ask for.
#pragma once

#include "strata/vae/models/vae.hpp"

namespace strata {

/// p(x) = Σ_k w_k p_k(x), p_k a VAE of one stochastic layer. Weights are those of a Dirichlet process of so
/// much concentration α, truncated to K components (Neal 2000, section 3): w_k = (n_k + α / K) / (Σ n + α),
/// n_k being how many of the last `memory` examples component k has. Training draws for each x the component
/// that has it, with the shares r_k ∝ w_k p_k(x, z_k) / q_k(z_k | x), which also weigh what x teaches each.
template <class T> struct Infinite {
  std::vector<Vae<T>> components;
  mutable Buffer<T> counts;  // (K), n_k
  T concentration = 1;       // α
  T memory = 1000;           // examples; in training

  /// `components` is K. Throws for K = 0, for other than one latent width, for a condition, and for another
  /// prior than `standard`.
  Infinite(const VaeConfig& config, Rng& rng);

  /// Layers z and k. ln w(x, z) is ln Σ_k w_k p_k(x, z_k) / q_k(z_k | x), and so is the bound. Throws for
  /// split paths.
  Pass<T> pass(const Given<T>& given, const Noise<T>& noise, Context context = {}) const;

  /// r_k of each x (N, D) at z_k = E_q[z_k]: (N, K).
  Var<T> classify(Var<T> x, Context context = {}) const;

  /// k as unit vectors, or z and k.
  Layers<Var<T>> draw(Tape<T>& tape, std::size_t t, std::size_t rows, Var<T>, const Noise<T>& noise) const;

  /// Σ_k k_k E[x | z, k], after drawing z where k alone is given.
  Var<T> decode(const Layers<Var<T>>& z, Var<T>, const Noise<T>& noise) const;

  /// How many components have more than this share of the examples.
  std::size_t used(double share = 0.01) const;

  /// Starts component k at row k of these means (K, D), so that they differ. Throws for another number.
  void start_apart(const Tensor<T>& means);

  /// As those of Vae.
  Interval support() const { return components[0].support(); }
  Layers<std::size_t> latent() const { return {components[0].latent()[0], components.size()}; }

  static void fields(auto& self, auto&& visit) {
    visit("components", self.components);
    visit("counts", self.counts);
  }

 private:
  Tensor<T> weights() const;  // (K)
};

}  // namespace strata
