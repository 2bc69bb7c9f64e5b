// The two-stage variational autoencoder (Dai and Wipf 2019): a second one learns what the first's q(z | x)
// are together, which its prior N(0, I) is not.
#pragma once

#include "strata/vae/models/vae.hpp"

namespace strata {

/// p(x, z, u) = p(u) p(z | u) p(x | z), q(z, u | x) = q(z | x) q(u | z): p(x | z) and q(z | x) of the first
/// stage, the others of the second. The second is trained on draws of q(z | x), the first being fixed; this
/// is for evaluation and pictures.
template <class T> struct TwoStage {
  Vae<T> first, second;

  /// Throws unless each has one stochastic layer and the second's data are of the first's latent width.
  TwoStage(Vae<T> first_stage, Vae<T> second_stage);

  /// Layers z and u; every weight is one of p(x). Throws for paths that are split.
  Pass<T> pass(const Given<T>& given, const Noise<T>& noise, Context context = {}) const;

  /// u, or z ~ p(z | u) and u.
  Layers<Var<T>> draw(Tape<T>& tape, std::size_t t, std::size_t rows, Var<T> condition,
                      const Noise<T>& noise) const;

  /// E[x | z], after drawing z where u alone is given.
  Var<T> decode(const Layers<Var<T>>& z, Var<T> condition, const Noise<T>& noise) const;

  /// As those of Vae.
  Interval support() const { return first.support(); }
  void start_at(const Tensor<T>& mean) { first.start_at(mean); }
  Layers<std::size_t> latent() const { return {first.latent()[0], second.latent()[0]}; }

  static void fields(auto& self, auto&& visit) {
    visit("first", self.first);
    visit("second", self.second);
  }
};

}  // namespace strata
