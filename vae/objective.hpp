// What training maximises.
#pragma once

#include <string>

#include "vae/path.hpp"

namespace strata {

/// The evidence lower bound E_q ln w, w = p(x, z) / q(z | x), or the importance-weighted bound.
enum class Bound { elbo, iwae };
/// By these names; throws for another.
Bound parse_bound(const std::string& name);
std::string to_string(Bound bound);

/// The importance-weighted bound ln 1/K Σ_k w_k ≤ ln p(x) of each image, w_k the weights of its K draws
/// (Burda et al. 2015, equation 8), which rises with K to ln p(x): (N) from log weights (N K).
template <class T> Var<T> importance_weighted_bound(Var<T> log_weights, std::size_t samples);

struct Objective {
  Bound bound = Bound::elbo;
  double beta = 1;  ///< the weight of the KL, or of ln q − ln p
  double free_bits =
      0;  ///< nats of every layer's mean KL that cost nothing (Kingma et al. 2016, appendix C.8); ELBO only
};

/// The objective's mean over the images of a pass: rank 0.
/// ELBO: mean reconstruction − beta Σ_t max(free_bits, mean KL_t). IWAE: the mean importance-weighted bound.
/// Throws for free bits with the IWAE bound.
template <class T> Var<T> objective(const Terms<T>& terms, const Objective& options);

}  // namespace strata
