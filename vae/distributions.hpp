// Distributions of rows: a draw is one row of a matrix, a log density one number for each row, in nats.
//
// A distribution is a plain struct with free functions: `sample`, `log_prob`, `mean`, and `kl` only where it
// is closed. A new one is a struct and its functions, wherever they stand. One that data can have says where
// they must lie, by a constant `support`.
#pragma once

#include "strata/tensor/interval.hpp"
#include "strata/vae/noise.hpp"

namespace strata {

/// N(0, I)
struct StandardNormal {};
inline constexpr StandardNormal standard_normal;

/// N(mean, diag e^log_variance)
template <class T> struct Normal {
  static constexpr Interval support = real_numbers;
  Var<T> mean;          ///< (B, L)
  Var<T> log_variance;  ///< (B, L), or what broadcasts to it: (L), (1)
};

/// N(mean, C Cᵀ) for a lower triangular C with diagonal e^(log_variance / 2).
template <class T> struct FullNormal {
  Var<T> mean;          ///< (B, L)
  Var<T> log_variance;  ///< (B, L)
  Var<T> lower;         ///< (B, L (L − 1) / 2), C's rows below its diagonal
};

/// Σ_k e^(log_weights_k) P_k, K normals of one width.
template <class T> struct Mixture {
  Normal<T> components;  ///< (K, L)
  Var<T> log_weights;    ///< (K), or one for all: (1)
};

/// Independent x ∈ {0, 1} with P(x = 1) = sigmoid(logits); what lies between has a cross-entropy.
template <class T> struct Bernoulli {
  static constexpr Interval support = unit_interval;
  Var<T> logits;  ///< (B, D)
};

/// A draw and its log density: its derivative is the total one, through z as well.
template <class T> struct Draw {
  Var<T> z;         ///< (B, L)
  Var<T> log_prob;  ///< (B)
};

/// A draw, differentiable in the distribution where that is continuous: (B, L). The noise may be an Rng.
template <class T> Var<T> sample(const Normal<T>& p, const Noise<std::type_identity_t<T>>& noise);
template <class T> Var<T> sample(const FullNormal<T>& p, const Noise<std::type_identity_t<T>>& noise);
template <class T> Var<T> sample(const Bernoulli<T>& p, const Noise<std::type_identity_t<T>>& noise);
/// As many independent draws as `shape` (B, L) says.
template <class T>
Var<T> sample(StandardNormal, Tape<T>& tape, const Shape& shape, const Noise<std::type_identity_t<T>>& noise);

/// The same of a mixture, whose components are drawn by their weights: no gradient flows into these.
template <class T> Var<T> sample(const Mixture<T>& p, Tape<T>& tape, const Shape& shape,
                                 const Noise<std::type_identity_t<T>>& noise);

/// ln p(x): (B). Throws unless x is of the distribution's shape (B, L), and for a Bernoulli x outside [0, 1].
template <class T> Var<T> log_prob(const Normal<T>& p, Var<T> x);
template <class T> Var<T> log_prob(const FullNormal<T>& p, Var<T> x);
template <class T> Var<T> log_prob(StandardNormal, Var<T> x);
template <class T> Var<T> log_prob(const Mixture<T>& p, Var<T> x);
template <class T> Var<T> log_prob(const Bernoulli<T>& p, Var<T> x);

/// A draw with its log density, which normals know from its noise: ln N(ε; 0, I) − ln |C|.
template <class T> Draw<T> sample_and_log_prob(const Normal<T>& p, const Noise<T>& noise);
template <class T> Draw<T> sample_and_log_prob(const FullNormal<T>& p, const Noise<T>& noise);
/// The same for any other distribution.
template <class P, class T> Draw<T> sample_and_log_prob(const P& p, const Noise<T>& noise) {
  const auto z = sample(p, noise);
  return {z, log_prob(p, z)};
}

/// E[x]: (B, D)
template <class T> Var<T> mean(const Normal<T>& p) { return p.mean; }
template <class T> Var<T> mean(const FullNormal<T>& p) { return p.mean; }
template <class T> Var<T> mean(const Bernoulli<T>& p);

/// KL(q ‖ p) in closed form, for every row of q: (B). Throws unless p's parameters broadcast to q's mean.
template <class T> Var<T> kl(const Normal<T>& q, StandardNormal);
template <class T> Var<T> kl(const FullNormal<T>& q, StandardNormal);
template <class T> Var<T> kl(const Normal<T>& q, const Normal<T>& p);

/// The same distribution for `times` rows instead of each, one after another.
template <class T> Normal<T> repeat_rows(const Normal<T>& p, std::size_t times);
template <class T> FullNormal<T> repeat_rows(const FullNormal<T>& p, std::size_t times);

/// The same distribution with constant parameters.
template <class T> Normal<T> stop_gradient(const Normal<T>& p);
template <class T> FullNormal<T> stop_gradient(const FullNormal<T>& p);

}  // namespace strata
