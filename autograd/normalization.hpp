// Normalisation over a batch.
#pragma once

#include "strata/autograd/arithmetic.hpp"
#include "strata/tensor/group.hpp"

namespace strata {

/// A normalised batch and what it was normalised by.
template <class T> struct BatchNormResult {
  Var<T> y;               // (..., D)
  Var<T> mean, variance;  // (D), constants; the variance is biased
};

/// y = gamma ⊙ (x − mean) / √(variance + epsilon) + beta over x's own mean and biased variance of each column
/// (Ioffe and Szegedy 2015, algorithm 1), for x (..., D), whose rows are all axes but the last, gamma (D) and
/// beta (D). Gradients flow through the statistics as well. Of a group's processes, each with rows of its
/// own, the statistics are those of all rows. Throws unless x has rows, all fit, and epsilon > 0 (PyTorch
/// allows 0).
template <class T>
BatchNormResult<T> batch_norm(Var<T> x, Var<T> gamma, Var<T> beta, Scalar<T> epsilon, Group* group = nullptr);

}  // namespace strata
