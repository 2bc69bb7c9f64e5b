// Matrix products over OpenBLAS, with checked shapes.
#pragma once

#include "strata/tensor/tensor.hpp"

namespace strata {

/// Whether a matrix enters a product as it stands or transposed; the transpose is never formed.
enum class Transpose { no, yes };

/// A row-major matrix somewhere in memory.
template <class T> struct MatrixView {
  T* data;
  std::size_t rows, columns;
};

/// c = op(a) op(b) + beta c, with op(a) (M, K), op(b) (K, N), c (M, N). With beta = 0 `c` takes on its shape
/// and its old elements are not read; with beta = 1 the product is accumulated. Throws std::invalid_argument
/// unless all are matrices that fit.
///
/// Large products are cut into pieces for the pool of tensor/parallel.hpp; OpenBLAS itself works
/// single-threaded there, so that there is one pool whichever build of it is loaded (its serial build knows
/// no locks: with it, products are not cut and take turns). The bits of `c` depend on `thread_count` and on
/// OpenBLAS's kernel, and on nothing else.
template <class T> void matmul(const Tensor<T>& a, Transpose transpose_a, const Tensor<T>& b,
                               Transpose transpose_b, T beta, Tensor<T>& c);
/// The same for matrices within tensors; c has its shape already.
template <class T> void matmul(MatrixView<const T> a, Transpose transpose_a, MatrixView<const T> b,
                               Transpose transpose_b, T beta, MatrixView<T> c);

/// The lower triangular L with L Lᵀ = ½ (A + Aᵀ), in place of A (N, N), its upper triangle 0. Throws unless
/// ½ (A + Aᵀ) is positive definite.
template <class T> void cholesky(MatrixView<T> a);

/// b becomes op(L)⁻¹ b for a lower triangular L (N, N), of which nothing above the diagonal is read, and b
/// (N, M).
template <class T> void solve_triangular(MatrixView<const T> lower, Transpose transpose, MatrixView<T> b);

/// The library behind the products and its kernel, for figures: "OpenBLAS Cooperlake, OpenMP build".
std::string blas_description();

}  // namespace strata
