// Formulas that are stable over the whole float range, for scalars and for SIMD batches (see `map`).
#pragma once

#include <cmath>

#include "tensor/evaluate.hpp"

namespace strata::formulas {

/// 1 / (1 + e⁻ˣ); e⁻ˣ may overflow to ∞, which gives 0.
template <class V> V sigmoid(V x) { return V(1) / (V(1) + xsimd::exp(-x)); }

/// ln(1 + eˣ) = max(x, 0) + ln(1 + e^−|x|)
template <class V> V softplus(V x) {
  return select(x > V(0), x, V(0)) + xsimd::log1p(xsimd::exp(-xsimd::abs(x)));
}

/// ln softplus x, for which x − eˣ/2 stands where eˣ is small.
template <class V> V log_softplus(V x) {
  return select(x < V(-18), x - V(0.5) * xsimd::exp(x), xsimd::log(softplus(x)));
}

/// d log_softplus / dx = sigmoid x / softplus x, for which 1 − eˣ/2 stands where eˣ is small.
template <class V> V log_softplus_slope(V x) {
  return select(x < V(-18), V(1) - V(0.5) * xsimd::exp(x), sigmoid(x) / softplus(x));
}

}  // namespace strata::formulas
