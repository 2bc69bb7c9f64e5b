// Distributions of rows: a draw is one row of a matrix, a log density one number for each row, in nats.
#pragma once

#include "autograd/tape.hpp"
#include "tensor/random.hpp"

namespace strata {

/// N(0, I)
struct StandardNormal {};
inline constexpr StandardNormal standard_normal;

/// N(mean, C Cᵀ) for a lower triangular C with diagonal e^(log_variance / 2). Without `lower` C is diagonal.
template <class T> struct Normal {
  Var<T> mean;          // (B, L)
  Var<T> log_variance;  // (B, L)
  Var<T> lower = {};    // (B, L (L − 1) / 2), C's rows below its diagonal; or empty
};

/// Independent x ∈ {0, 1} with P(x = 1) = sigmoid(logits)
template <class T> struct Bernoulli {
  Var<T> logits;  // (B, D)
};

/// A draw from N(0, I) as a constant of this shape.
template <class T> Var<T> standard_normal_noise(Tape<T>& tape, const Shape& shape, Rng& rng);

/// The draw mean + C epsilon, epsilon (B, L) being one from N(0, I): (B, L). Differentiable in the
/// distribution.
template <class T> Var<T> sample(const Normal<T>& p, Var<T> epsilon);
/// The same with epsilon drawn from `rng`.
template <class T> Var<T> sample(const Normal<T>& p, Rng& rng);

/// ln p(x): (B). A normal must have a diagonal C.
template <class T> Var<T> log_prob(const Normal<T>& p, Var<T> x);
template <class T> Var<T> log_prob(StandardNormal, Var<T> x);
template <class T> Var<T> log_prob(const Bernoulli<T>& p, Var<T> x);

/// ln p(z) at the draw z = mean + C epsilon, for any C: (B). Its derivative is the total one, through z as
/// well.
template <class T> Var<T> draw_log_prob(const Normal<T>& p, Var<T> epsilon);

/// KL(q ‖ p) in closed form: (B). A normal p must have a diagonal C, and q then too.
template <class T> Var<T> kl(const Normal<T>& q, StandardNormal);
template <class T> Var<T> kl(const Normal<T>& q, const Normal<T>& p);

}  // namespace strata
