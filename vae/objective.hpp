// Objectives: what training maximises, as functions of a pass. One of one's own is a struct with its
// `objective`; where it has a member `beta` or `capacity`, KL warm-up scales it, and where it has a static
// member `paths`, the pass that it is given splits them so.
//
// θ stands for the parameters of p, φ for those of q, w_k for p(x, z_k) / q(z_k | x) of the k-th draw, w̃_k
// for w_k / Σ w. A beta other than 1 makes them p(x | z) (p(z) / q(z | x))^beta.
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

/// Sticking the landing (Roeder et al. 2017): E_q ln w, the mean over the draws, by
/// ∂ ln w/∂φ = ∂z/∂φ ∂ ln w/∂z. The score ∂ ln q(z | x)/∂φ at a fixed z, which this leaves out, has mean 0;
/// the rest is 0 for every single draw where q(z | x) is p(z | x).
struct StickingTheLanding {
  static constexpr Paths paths = Paths::stopped;
  double beta = 1;     ///< the weight of ln q − ln p
  double penalty = 1;  ///< the weight of what the model adds to its loss
};

/// The bound of `Iwae`, doubly reparameterised (Tucker et al. 2019, equation 8): for θ Σ_k w̃_k ∂ ln w_k/∂θ,
/// for φ Σ_k w̃_k² ∂z_k/∂φ ∂ ln w_k/∂z_k, whose signal does not vanish beside its noise as K grows. With one
/// draw it is `StickingTheLanding`. (With another beta w̃² becomes (1 − beta) w̃ + beta w̃², by the same
/// derivation.)
struct Dreg {
  static constexpr Paths paths = Paths::stopped;
  double beta = 1;     ///< the weight of ln q − ln p
  double penalty = 1;  ///< the weight of what the model adds to its loss
};

/// The mean of M bounds of `Iwae`, each of its own K / M of the K draws (Rainforth et al. 2018, section 5):
/// M = 1 is `Iwae`, M = K the mean of ln w. Throws unless M divides K, and so does `Piwae`.
struct Miwae {
  std::size_t groups = 1;  ///< M
  double beta = 1;         ///< the weight of ln q − ln p
  double penalty = 1;      ///< the weight of what the model adds to its loss
};

/// `Iwae` of all K draws for θ, and `Miwae` for φ (Rainforth et al. 2018, section 5). Its value is Iwae's.
struct Piwae {
  static constexpr Paths paths = Paths::split;
  std::size_t groups = 1;  ///< M
  double beta = 1;         ///< the weight of ln q − ln p
  double penalty = 1;      ///< the weight of what the model adds to its loss
};

/// elbo_share · the mean of ln w + (1 − elbo_share) · `Iwae`, of the same draws (Rainforth et al. 2018,
/// section 5, whose β is the share).
struct Ciwae {
  double elbo_share = 0.5;
  double beta = 1;     ///< the weight of ln q − ln p
  double penalty = 1;  ///< the weight of what the model adds to its loss
};

/// The ELBO whose KL is drawn to a capacity (Burgess et al. 2018, equation 8): mean log-likelihood −
/// gamma |KL − capacity|, KL the mean over images of all layers' divergences. Warm-up lets the capacity grow.
struct Capacity {
  double gamma = 1000;
  double capacity = 25;  ///< C, nats
  double penalty = 1;    ///< the weight of what the model adds to its loss
};

/// What a command line can choose.
using Objective = std::variant<Elbo, Iwae, StickingTheLanding, Dreg, Miwae, Piwae, Ciwae, Capacity>;
template <> struct Named<Objective> {
  static constexpr const char* what = "objective";
  static constexpr std::array names = {"elbo", "iwae", "stl", "dreg", "miwae", "piwae", "ciwae", "capacity"};
};

/// ln 1/K Σ_k w_k: (N) from log weights (N K).
template <class T> Var<T> importance_weighted_bound(Var<T> log_weights, std::size_t samples);

/// The objective's mean over the images of a pass: rank 0. Throws for a beta or free bits that are negative
/// or not finite. Those with paths of their own throw for a pass whose layers are not split (see
/// `draw_layer`); Dreg and Piwae change the gradients of z on this pass, which they therefore own.
template <class T> Var<T> objective(const Elbo& options, const Pass<T>& pass);
template <class T> Var<T> objective(const Iwae& options, const Pass<T>& pass);
template <class T> Var<T> objective(const StickingTheLanding& options, const Pass<T>& pass);
template <class T> Var<T> objective(const Dreg& options, const Pass<T>& pass);
template <class T> Var<T> objective(const Miwae& options, const Pass<T>& pass);
template <class T> Var<T> objective(const Piwae& options, const Pass<T>& pass);
template <class T> Var<T> objective(const Ciwae& options, const Pass<T>& pass);
template <class T> Var<T> objective(const Capacity& options, const Pass<T>& pass);
template <class T> Var<T> objective(const Objective& chosen, const Pass<T>& pass) {
  return std::visit([&](const auto& options) { return objective(options, pass); }, chosen);
}

/// The paths that an objective needs of its pass: `Given::paths`.
template <class O> Paths paths_of(const O&) {
  if constexpr (requires { O::paths; })
    return O::paths;
  else
    return Paths::joint;
}
inline Paths paths_of(const Objective& chosen) {
  return std::visit([](const auto& options) { return paths_of(options); }, chosen);
}

/// The same objective with `factor` times its beta, or its capacity.
template <class O> O with_beta_times(O objective, double factor) {
  if constexpr (requires { objective.beta; }) objective.beta *= factor;
  if constexpr (requires { objective.capacity; }) objective.capacity *= factor;
  return objective;
}
inline Objective with_beta_times(const Objective& chosen, double factor) {
  return std::visit([&](const auto& options) -> Objective { return with_beta_times(options, factor); },
                    chosen);
}

}  // namespace strata
