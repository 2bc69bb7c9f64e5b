// Objectives: what training maximises, as functions of a pass. One of one's own is a struct with its
// `objective`; where it has a member `beta`, KL warm-up scales it.
#pragma once

#include <variant>

#include "strata/nn/names.hpp"
#include "strata/vae/pass.hpp"

namespace strata {

/// The evidence lower bound of every image, E_q ln w, w = p(x, z) / q(z | x):
/// mean log-likelihood − beta Σ_t max(free_bits, mean divergence_t) − penalty · mean of the pass's penalty.
struct Elbo {
  double beta = 1;       ///< the weight of the KL (Higgins et al. 2017)
  double free_bits = 0;  ///< nats of every layer's KL that cost nothing (Kingma et al. 2016, appendix C.8)
  double penalty = 1;    ///< the weight of what the model adds to its loss
};

/// The importance-weighted bound ln 1/K Σ_k w_k ≤ ln p(x) of the K draws of every image (Burda et al. 2015,
/// equation 8), which rises with K to ln p(x).
struct Iwae {
  double beta = 1;     ///< the weight of ln q − ln p
  double penalty = 1;  ///< the weight of what the model adds to its loss
};

/// What a command line can choose.
using Objective = std::variant<Elbo, Iwae>;
template <> struct Named<Objective> {
  static constexpr const char* what = "objective";
  static constexpr std::array names = {"elbo", "iwae"};
};

/// ln 1/K Σ_k w_k: (N) from log weights (N K).
template <class T> Var<T> importance_weighted_bound(Var<T> log_weights, std::size_t samples);

/// The objective's mean over the images of a pass: rank 0. Throws for a beta or free bits that are negative
/// or not finite.
template <class T> Var<T> objective(const Elbo& options, const Pass<T>& pass);
template <class T> Var<T> objective(const Iwae& options, const Pass<T>& pass);
template <class T> Var<T> objective(const Objective& chosen, const Pass<T>& pass) {
  return std::visit([&](const auto& options) { return objective(options, pass); }, chosen);
}

/// The same objective with `factor` times its beta.
template <class O> O with_beta_times(O objective, double factor) {
  if constexpr (requires { objective.beta; }) objective.beta *= factor;
  return objective;
}
inline Objective with_beta_times(const Objective& chosen, double factor) {
  return std::visit([&](const auto& options) -> Objective { return with_beta_times(options, factor); },
                    chosen);
}

}  // namespace strata
