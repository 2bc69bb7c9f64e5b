// Matrix products.
#pragma once

#include "autograd/tape.hpp"

namespace strata {

/// The product of a (M, K) and b (K, N): (M, N). Throws unless both are matrices that fit.
template <class T> Var<T> matmul(Var<T> a, Var<T> b);

/// x W + b for x (B, I), W (I, O) and b (O): (B, O). Throws unless they fit.
template <class T> Var<T> affine(Var<T> x, Var<T> weight, Var<T> bias);

}  // namespace strata
