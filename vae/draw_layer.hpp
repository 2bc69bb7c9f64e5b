// A layer's draw from its posterior, along the paths that an objective asks for.
#pragma once

#include "strata/autograd/shape.hpp"
#include "strata/vae/distributions.hpp"
#include "strata/vae/pass.hpp"

namespace strata {

/// z ~ q and q's terms of a layer; log_p and kl are left to the model. With `Paths::stopped` log_q is
/// log_prob(density(), z): `density` makes q anew, out of the z below that the densities read, while the
/// tape holds all parameters constant; other paths do not call it. Throws for stopped paths where that has no
/// `log_prob`.
template <class T, class Q, class F>
Layer<T> draw_layer(const Q& q, const Noise<T>& noise, Paths paths, [[maybe_unused]] F density) {
  if (paths != Paths::stopped) {
    const auto [z, log_q] = sample_and_log_prob(q, noise);
    if (paths == Paths::joint) return {z, mean(q), log_q, {}, {}, {}};
    return {reshape(z, z.shape()), mean(q), log_q, {}, {}, z};
  }
  if constexpr (requires(Var<T> z) {
                  sample(q, noise);
                  log_prob(density(), z);
                }) {
    const auto drawn = sample(q, noise), z = reshape(drawn, drawn.shape());
    const ParametersStopped constant(z.tape());
    return {z, mean(q), log_prob(density(), z), {}, {}, drawn};
  } else {
    fail("draw_layer", "objectives that stop the parameters of q need its log_prob at any z");
  }
}

/// The same where q depends on no other layer's z: its density is q with `stop_gradient`.
template <class T, class Q> Layer<T> draw_layer(const Q& q, const Noise<T>& noise, Paths paths) {
  if constexpr (requires { stop_gradient(q); })
    return draw_layer(q, noise, paths, [&] { return stop_gradient(q); });
  else
    return draw_layer(q, noise, paths, [] {});
}

}  // namespace strata
