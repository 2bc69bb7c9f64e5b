// Formulas that are stable over the whole float range, for scalars and for SIMD batches (see `map`).
#pragma once

#include <cmath>

#include "strata/tensor/expression.hpp"

namespace strata::formulas {

/// 1 / (1 + e⁻ˣ); e⁻ˣ may overflow to ∞, which gives 0.
template <class V> V sigmoid(V x) { return V(1) / (V(1) + xsimd::exp(-x)); }

/// erf, which is ±1 to the last digit beyond ±6, where xsimd's own ends in ∞ − ∞.
template <class V> V erf(V x) { return xsimd::erf(select(x < V(-6), V(-6), select(x > V(6), V(6), x))); }

/// ln(1 + t) = 2 artanh s = 2 (s + s³/3 + s⁵/5 + ...), s = t / (2 + t), for t in [0, 1], where s² ≤ 1/9: the
/// series ends below a rounding of the type, and takes half the time of xsimd::log1p.
template <class V> V log1p_of_unit(V t) {
  using T = std::conditional_t<std::is_same_v<V, xsimd::batch<float>>, float, V>;
  constexpr int terms = std::is_same_v<T, float> ? 7 : 16;
  const V s = t / (V(2) + t);
  V series(0);
  for (int k = terms; k-- > 0;) series = series * s * s + V(T(1) / T(2 * k + 1));
  return V(2) * s * series;
}

/// ln(1 + eˣ) = max(x, 0) + ln(1 + e^−|x|)
template <class V> V softplus(V x) {
  return select(x > V(0), x, V(0)) + log1p_of_unit(xsimd::exp(-xsimd::abs(x)));
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
