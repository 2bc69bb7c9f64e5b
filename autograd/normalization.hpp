// Normalisation over a batch.
#pragma once

#include "autograd/tape.hpp"

namespace strata {

/// Mean and biased variance of each column of x (B, D), as a constant: (2, D). Throws unless x is a matrix
/// with rows.
template <class T> Var<T> batch_statistics(Var<T> x);

/// gamma ⊙ (x − mean) / √(variance + epsilon) + beta, column by column (Ioffe and Szegedy 2015, algorithm 1),
/// for x (B, D), gamma (D), beta (D) and x's own `batch_statistics`, through which gradients flow as well.
/// (B, D)
template <class T>
Var<T> batch_norm(Var<T> x, Var<T> gamma, Var<T> beta, Var<T> statistics, std::type_identity_t<T> epsilon);

}  // namespace strata
