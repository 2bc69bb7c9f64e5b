// The pass of a model of one stochastic layer, whatever its parts.
#pragma once

#include "strata/vae/draw_layer.hpp"

namespace strata {

/// z ~ q(z | x), x ~ p(x | z), z ~ p(z): draws z for each of the N rows of x, K times, and gives every term.
/// `q` is a distribution of N rows, `decoder` a head, `prior` a distribution of z. The divergence is in
/// closed form where `kl(q, prior)` is known.
template <class T, class Q, class Head, class P>
Pass<T> single_layer_pass(const Given<T>& given, const Q& q, const Head& decoder, const P& prior,
                          const Noise<T>& noise, Context context = {}) {
  const auto posterior = repeat_rows(q, given.samples);
  Layer<T> layer = draw_layer(posterior, noise, given.paths);
  layer.log_p = log_prob(prior, layer.z);
  if constexpr (requires { kl(posterior, prior); }) layer.kl = kl(posterior, prior);
  return {given.samples, log_prob(decoder(layer.z, context), repeat_rows(given.x, given.samples)), {layer}};
}

}  // namespace strata
