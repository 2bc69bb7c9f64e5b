// Matrix products and factorisations. Each takes a matrix, or (B, ...) matrices of one shape.
#pragma once

#include "strata/autograd/tape.hpp"
#include "strata/tensor/linalg.hpp"

namespace strata {

/// The product of a (M, K) and b (K, N): (M, N); or of each pair in a (B, M, K) and b (B, K, N): (B, M, N).
/// Throws unless they fit.
template <class T> Var<T> matmul(Var<T> a, Var<T> b);

/// x W + b for the rows of x (..., I), W (I, O) and b (O): (..., O). Throws unless they fit.
template <class T> Var<T> affine(Var<T> x, Var<T> weight, Var<T> bias);

/// The lower triangular L with L Lᵀ = ½ (a + aᵀ), a (..., N, N): (..., N, N) (derivative: Murray 2016);
/// PyTorch's reads the lower triangle of a alone.
/// Throws unless ½ (a + aᵀ) is positive definite.
template <class T> Var<T> cholesky(Var<T> a);

/// op(L)⁻¹ b for lower triangular L (..., N, N), of which nothing above the diagonal is read, and b
/// (..., N, M): (..., N, M). Throws unless they fit.
template <class T> Var<T> triangular_solve(Var<T> lower, Var<T> b, Transpose transpose = Transpose::no);

}  // namespace strata
