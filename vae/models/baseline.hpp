// A network without latents: what a conditional model is to be better than (Sohn et al. 2015).
#pragma once

#include "strata/vae/models/vae.hpp"

namespace strata {

/// p(x | c), every x_d independent given the condition c.
template <class T> struct Baseline {
  Decoder<T> decoder;  // p(x | c)

  /// `hidden` are the widths of its layers, in this order. Throws without a condition.
  Baseline(const VaeConfig& config, Rng& rng);

  /// A pass without layers: ln p(x | c) is exact. Throws without a condition.
  Pass<T> pass(const Given<T>& given, const Noise<T>&, Context context = {}) const;

  /// No layers, and E[x | c].
  Layers<Var<T>> draw(Tape<T>&, std::size_t, std::size_t, Var<T>, const Noise<T>&) const { return {}; }
  Var<T> decode(const Layers<Var<T>>&, Var<T> condition, const Noise<T>&) const;

  /// As those of Vae.
  Interval support() const { return detail::support(decoder); }
  void start_at(const Tensor<T>& mean) { detail::start_at(decoder, mean); }
  Layers<std::size_t> latent() const { return {}; }

  static void fields(auto& self, auto&& visit) { visit("decoder", self.decoder); }
};

}  // namespace strata
