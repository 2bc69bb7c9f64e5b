// Fused log densities, samples and divergences, each in one pass over its inputs. Rows are all axes but the
// last: densities sum over the last axis, so that x (B, D) gives (B).
#pragma once

#include "strata/autograd/tape.hpp"

namespace strata {

/// ln N(x; mean, diag e^log_variance) = −½ Σ_last (ln 2π + log_variance + (x − mean)² e^−log_variance), in
/// nats. x (B, D): (B). Throws unless mean and log_variance broadcast to x's shape.
template <class T> Var<T> normal_log_density(Var<T> x, Var<T> mean, Var<T> log_variance);

/// ln N(x_b; mean_k, diag e^log_variance_k) of every pair of rows: x (B, L), mean and log_variance (K, L):
/// (B, K).
template <class T> Var<T> pairwise_normal_log_density(Var<T> x, Var<T> mean, Var<T> log_variance);

/// ln N(x; 0, I) = −½ Σ_last (ln 2π + x²), in nats. x (B, D): (B).
template <class T> Var<T> standard_normal_log_density(Var<T> x);

/// Σ_last x ln p + (1 − x) ln(1 − p) for p = sigmoid(logits), in nats: a log density for x ∈ {0, 1}, a
/// negative cross-entropy (and no log-likelihood) for x between. Logits of ±∞ are certain (PyTorch: NaN). x
/// and logits have one shape (B, D): (B). Throws for other shapes, and for an x outside [0, 1], naming the
/// first.
template <class T> Var<T> bernoulli_log_density(Var<T> x, Var<T> logits);

/// z = mean + e^(log_variance / 2) ⊙ epsilon: a draw from N(mean, diag e^log_variance) if epsilon is one from
/// N(0, I) (Kingma and Welling 2014, section 2.4). All of one shape.
template <class T> Var<T> reparameterize(Var<T> mean, Var<T> log_variance, Var<T> epsilon);

/// KL(N(mean, diag e^log_variance) ‖ N(0, I)) = ½ Σ_last (mean² + e^log_variance − log_variance − 1), in nats
/// (Kingma and Welling 2014, appendix B). Both of one shape (B, L): (B).
template <class T> Var<T> standard_normal_kl(Var<T> mean, Var<T> log_variance);
/// ln N(z; mean, diag e^log_variance) at z = mean + e^(log_variance / 2) ⊙ epsilon, which needs no mean:
/// −½ Σ_last (ln 2π + log_variance + epsilon²), in nats. Both of one shape (B, L): (B).
template <class T> Var<T> draw_log_density(Var<T> log_variance, Var<T> epsilon);

/// y = N epsilon for the strictly lower triangular matrix N with rows l_21, l_31, l_32, ... in `lower`
/// (B, L (L − 1) / 2), one for each row of epsilon (B, L): (B, L).
template <class T> Var<T> strict_lower_product(Var<T> lower, Var<T> epsilon);

}  // namespace strata
