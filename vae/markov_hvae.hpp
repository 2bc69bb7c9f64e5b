// The Markovian hierarchical variational autoencoder (Rezende et al. 2014; Burda et al. 2015; Sønderby et al.
// 2016).
#pragma once

#include "vae/path.hpp"

namespace strata {

/// p(x, z) = p(z_T) p(x | z_1) Π_{t ≥ 2} p(z_{t−1} | z_t), q(z | x) = q(z_1 | x) Π_{t ≥ 2} q(z_t | z_{t−1}),
/// every factor a network of its own. With one latent width it is the VAE, with a learned p(z | c) where
/// there is a condition c.
struct MarkovHvaeConfig {
  std::size_t data = 784;                        ///< the width of x
  std::vector<std::size_t> hidden = {200, 200};  ///< of q(z_1 | x); p(x | z_1) has them in reverse
  std::vector<std::size_t> latent = {100, 50};   ///< the widths of z_1 ... z_T
  std::vector<std::size_t> upper_hidden = {
      100, 100};  ///< of q(z_t | z_{t−1}); p(z_{t−1} | z_t) has them in reverse
  MlpOptions networks = {};
  Likelihood likelihood = Likelihood::bernoulli;
  double noise_variance = 0.05;  ///< of normal likelihoods: fixed, or where learning starts
  Scale scale = Scale::log_variance;
  Covariance covariance = Covariance::diagonal;      ///< of q(z_t | z_{t−1}) for t < T
  Covariance top_covariance = Covariance::diagonal;  ///< of q(z_T | z_{T−1})
  std::size_t condition =
      0;  ///< the width C of what every network reads beside its input; p(z_T | c) is learned then
};

template <class T> struct MarkovHvae {
  std::vector<NormalNetwork<T>> q;        // q[t − 1]: q(z_t | z_{t−1}), z_0 = x
  std::vector<NormalNetwork<T>> p;        // p[t − 1]: p(z_t | z_{t+1}), t < T
  ObservationNetwork<T> decoder;          // p(x | z_1)
  std::optional<NormalNetwork<T>> prior;  // p(z_T | c), where there is a condition

  /// Throws if there is no latent width, or a full top covariance together with a condition.
  MarkovHvae(const MarkovHvaeConfig& config, Rng& rng);

  /// A pass through all layers with the given noise: epsilon[t − 1] (N K, L_t).
  Path<T> path(const Given<T>& given, const Layers<Var<T>>& epsilon, Rng& rng, Mode mode);

  /// The same with noise drawn from N(0, I).
  Path<T> path(const Given<T>& given, Rng& rng, Mode mode);

  /// Ancestral draws of z_t, t = 1 ... T, from p(z_T) downwards: (rows, L_t). Throws for another t.
  Var<T> draw(Tape<T>& tape, std::size_t t, std::size_t rows, Var<T> condition, Rng& rng);

  /// p(x | z_1) after drawing z_{t−1} ... z_1 downwards from a given z_t (rows, L_t). Throws unless
  /// 1 ≤ t ≤ T.
  Observation<T> generate(Var<T> z, std::size_t t, Var<T> condition, Rng& rng);

  /// The widths of z_1 ... z_T.
  Layers<std::size_t> latent() const;

  static void fields(auto& self, auto&& visit) {
    visit("q", self.q);
    visit("p", self.p);
    visit("decoder", self.decoder);
    visit("prior", self.prior);
  }

 private:
  Var<T> descend(Var<T> z, std::size_t from, std::size_t to, Var<T> condition, Rng& rng);
  void require_layer(const char* operation, std::size_t t) const;
};

}  // namespace strata
