// Distributions of rows: a draw is one row of a matrix, a log density one number for each row, in nats.
#pragma once

#include "autograd/tape.hpp"
#include "tensor/random.hpp"

namespace strata {

/// N(0, I)
struct StandardNormal {};
inline constexpr StandardNormal standard_normal;

/// N(mean, diag e^log_variance)
template <class T> struct DiagonalNormal {
  Var<T> mean;          // (B, L)
  Var<T> log_variance;  // (B, L)
};

/// Independent x ∈ {0, 1} with P(x = 1) = sigmoid(logits)
template <class T> struct Bernoulli {
  Var<T> logits;  // (B, D)
};

/// A draw from N(0, I) as a constant of this shape.
template <class T> Var<T> standard_normal_noise(Tape<T>& tape, const Shape& shape, Rng& rng);

/// mean + e^(log_variance / 2) ⊙ epsilon: (B, L). Differentiable in the distribution's parameters.
template <class T> Var<T> sample(const DiagonalNormal<T>& p, Var<T> epsilon);
/// The same with epsilon drawn from N(0, I).
template <class T> Var<T> sample(const DiagonalNormal<T>& p, Rng& rng);

/// ln p(x): (B)
template <class T> Var<T> log_prob(const DiagonalNormal<T>& p, Var<T> x);
template <class T> Var<T> log_prob(StandardNormal, Var<T> x);
template <class T> Var<T> log_prob(const Bernoulli<T>& p, Var<T> x);

/// KL(q ‖ p) in closed form: (B)
template <class T> Var<T> kl(const DiagonalNormal<T>& q, StandardNormal);

}  // namespace strata
