// The Gaussian mixture variational autoencoder (Dilokthanakul et al. 2016), which clusters.
#pragma once

#include "strata/vae/models/vae.hpp"

namespace strata {

/// p(x, z, y, w) = p(w) p(y) p(z | y, w) p(x | z) with w ~ N(0, I) and y ~ Cat(1/K), and
/// q(z, y, w | x) = q(z | x) q(w | x) p(y | z, w). That posterior of y is exact given z and w, so that y's
/// terms of the paper's equation 5 sum to ln p(z | w), p(z | w) = 1/K Σ_y p(z | y, w): y costs no draw.
template <class T> struct Gmvae {
  NormalHead<T> q_z;   // q(z | x)
  NormalHead<T> q_w;   // q(w | x)
  NormalHead<T> p_z;   // p(z | y, w), one y's components after another's
  Decoder<T> decoder;  // p(x | z)

  /// `latent` are the widths of z and w, `components` is K, `hidden` are the widths of both posteriors and,
  /// in reverse, of p(x | z), `upper_hidden` those of p(z | y, w). Throws unless there are two latent widths,
  /// for a condition, and for another prior than `standard`.
  Gmvae(const VaeConfig& config, Rng& rng);

  /// Layers z and w.
  Pass<T> pass(const Given<T>& given, const Noise<T>& noise, Context context = {}) const;

  /// p(y | z, w) at z = E_q[z], w = E_q[w], the cluster of x (N, D): (N, K).
  Var<T> classify(Var<T> x, Context context = {}) const;

  /// w, or a z of a random cluster and its w.
  Layers<Var<T>> draw(Tape<T>& tape, std::size_t t, std::size_t rows, Var<T>, const Noise<T>& noise) const;

  /// E[x | z], after drawing z where w alone is given.
  Var<T> decode(const Layers<Var<T>>& z, Var<T>, const Noise<T>& noise) const;

  /// As those of Vae.
  Interval support() const { return detail::support(decoder); }
  void start_at(const Tensor<T>& mean) { detail::start_at(decoder, mean); }
  Layers<std::size_t> latent() const { return {q_z.width(), q_w.width()}; }

  static void fields(auto& self, auto&& visit) {
    visit("q_z", self.q_z);
    visit("q_w", self.q_w);
    visit("p_z", self.p_z);
    visit("decoder", self.decoder);
  }

 private:
  Normal<T> components(Var<T> w, Context context) const;    // of every w: (B, K, L)
  Var<T> joint(Var<T> z, Var<T> w, Context context) const;  // ln p(y, z | w): (B, K)
  Var<T> draw_z(Var<T> w, const Noise<T>& noise) const;
};

}  // namespace strata
