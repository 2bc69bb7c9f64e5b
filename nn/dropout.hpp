// Dropout.
#pragma once

#include "strata/nn/parameter.hpp"
#include "strata/tensor/random.hpp"

namespace strata {

/// In training each element is 0 with probability `rate`, else x / (1 − rate), which keeps its mean
/// (Srivastava et al. 2014); in inference x itself. Throws unless 0 ≤ rate < 1, and in training without an
/// Rng.
template <class T> Var<T> dropout(Var<T> x, double rate, Context context);

}  // namespace strata
