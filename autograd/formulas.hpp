// Formulas that are stable over the whole range of the type, for scalars and for SIMD batches (see `map`).
#pragma once

#include <cmath>
#include <limits>

#include "strata/tensor/expression.hpp"

namespace strata::formulas {

// exp, expm1, log and pow are called by their full names: xsimd's own would be the better match for a batch.

template <class V> struct ElementOf { using type = V; };
template <class T, class A> struct ElementOf<xsimd::batch<T, A>> { using type = T; };
/// T for a batch of T, and for T itself.
template <class V> using Element = typename ElementOf<V>::type;

/// a where the type is float, b where it is double.
template <class V, class N> constexpr N float_or_double(N a, N b) {
  return std::is_same_v<Element<V>, float> ? a : b;
}

/// Whether no lane is NaN. (x != x would not tell: xsimd calls it false of NaN.)
template <class V> bool are_numbers(V x) {
  if constexpr (std::is_floating_point_v<V>)
    return x == x;
  else
    return xsimd::all(x == x);
}

/// g · slope, and 0 where one of them is 0 even if the other is infinite: what a loss does not depend on adds
/// nothing, nor does what does not move: √(x²) has the slope 0 at 0. A NaN in g stays.
inline constexpr auto scaled = []<class V>(V g, V slope) {
  const V y = g * slope;
  if (are_numbers(y)) [[likely]]
    return y;  // cheaper than to select always
  return select((g == V(0)) | ((slope == V(0)) & (g == g)), V(0), y);
};

/// g / x, and 0 where g = 0.
inline constexpr auto quotient = []<class V>(V g, V x) { return select(g == V(0), V(0), g / x); };

/// g y / x, and 0 where g or y is 0.
inline constexpr auto share = []<class V>(V g, V y, V x) { return quotient(scaled(g, y), x); };

/// eˣ = (e^(x/2))², to ∞ and through the subnormal numbers to 0, which xsimd's own exp reaches too early: it
/// is used as it is, here and below, where its result may be taken for 0 before it is subnormal.
template <class V> V exp(V x) {
  const V y = xsimd::exp(V(0.5f) * x);
  return y * y;
}

/// eˣ − 1; where xsimd's own ends too early, (m + 1)² − 1 for m = e^(x/2) − 1.
template <class V> V expm1(V x) {
  const auto far = x > V(float_or_double<V>(Element<V>(87.336), Element<V>(708.39)));
  const V m = xsimd::expm1(select(far, V(0.5f) * x, x));
  return select(far, m * (m + V(2)), m);
}

/// ln x. A subnormal number is scaled by 2⁵⁴ first, since xsimd's log fails there.
template <class V> V log(V x) {
  using T = Element<V>;
  const auto subnormal = x < V(std::numeric_limits<T>::min());
  const V y = xsimd::log(select(subnormal, x * V(T(0x1p54)), x));
  return y - select(subnormal, V(T(54 * 0.69314718055994530942)), V(0));
}

/// f lane by lane: a function of the standard library.
template <class V, class F> V by_lanes(F f, V x) {
  if constexpr (std::is_floating_point_v<V>)
    return f(x);
  else
    return strata::detail::call<Element<V>>(f, x);
}

/// xᶜ
template <class V> V pow(V x, Element<V> c) {
  using T = Element<V>;
  if (c == T(1)) return x;
  if (c == T(2)) return x * x;
  if (c == T(3)) return x * x * x;
  if (c == T(-1)) return V(1) / x;
  return by_lanes([c](T v) { return std::pow(v, c); }, x);
}

/// d xᶜ / dx = c x^(c − 1), in double since c − 1 rounds.
template <class V> V pow_slope(V x, Element<V> c) {
  using T = Element<V>;
  if (c == T(1)) return V(1);
  if (c == T(2)) return x + x;
  if (c == T(3)) return V(3) * x * x;
  return by_lanes([c = double(c)](T v) { return static_cast<T>(c * std::pow(double(v), c - 1)); }, x);
}

/// eˣ − 1 − x, by its series x²/2 (1 + x/3 (1 + x/4 (1 + ...))) on (−1, 1), where the difference cancels.
template <class V> V exp_remainder(V x) {
  V series(1);
  for (int k = float_or_double<V>(12, 21); k > 2; --k)
    series = V(1) + series * x * V(Element<V>(1) / Element<V>(k));
  return select(xsimd::abs(x) < V(1), V(0.5f) * x * x * series, formulas::expm1(x) - x);
}

/// 1 / (1 + e⁻ˣ); e⁻ˣ may overflow to ∞, which gives 0.
template <class V> V sigmoid(V x) { return V(1) / (V(1) + xsimd::exp(-x)); }

/// d sigmoid / dx = e^−|x| / (1 + e^−|x|)², which 1 − y would lose where y rounds to 1.
template <class V> V sigmoid_slope(V x) {
  const V t = xsimd::exp(-xsimd::abs(x)), q = V(1) + t;
  return t / (q * q);
}

/// d tanh / dx = (2u / (1 + u²))², u = e^−|x|
template <class V> V tanh_slope(V x) {
  const V u = xsimd::exp(-xsimd::abs(x)), sech = (u + u) / (V(1) + u * u);
  return sech * sech;
}

/// erf, which is ±1 to the last digit beyond ±6, where xsimd's own ends in ∞ − ∞.
template <class V> V erf(V x) { return xsimd::erf(select(x < V(-6), V(-6), select(x > V(6), V(6), x))); }

/// d erf / dx = 2/√π e^(−x²); 0 beyond ±30. x² = h² + (x − h)(x + h) for an h of so few digits that h² is
/// exact, so that its rounding can be made good however the compiler contracts.
template <class V> V erf_slope(V x) {
  const V near = select(xsimd::abs(x) > V(30), V(30), x);
  const V grid(float_or_double<V>(Element<V>(0x1.8p16), Element<V>(0x1.8p32)));  // of 2⁻⁷, 2⁻²⁰
  const V h = (near + grid) - grid, rest = (near - h) * (near + h), square = h * h + rest;
  const V rounding = (h * h - square) + rest;
  return V(Element<V>(1.1283791670955125739)) * formulas::exp(-square) * (V(1) - rounding);
}

/// ln(1 + t) = 2 artanh s = 2 (s + s³/3 + s⁵/5 + ...), s = t / (2 + t), for t in [0, 1], where s² ≤ 1/9: the
/// series ends below a rounding of the type, and takes half the time of xsimd::log1p.
template <class V> V log1p_of_unit(V t) {
  const V s = t / (V(2) + t);
  V series(0);
  for (int k = float_or_double<V>(7, 16); k-- > 0;)
    series = series * s * s + V(Element<V>(1) / Element<V>(2 * k + 1));
  return V(2) * s * series;
}

/// ln(1 + eˣ) = max(x, 0) + ln(1 + e^−|x|)
template <class V> V softplus(V x) {
  return select(x > V(0), x, V(0)) + log1p_of_unit(xsimd::exp(-xsimd::abs(x)));
}

/// ln softplus x, for which x − eˣ/2 stands where eˣ is small, and about its zero z = ln(e − 1), where
/// softplus x rounds to 1, ln(1 + ln(1 + (1 − 1/e)(e^(x − z) − 1))).
template <class V> V log_softplus(V x) {
  using T = Element<V>;
  constexpr T zero = T(0.54132485461291810897);
  constexpr T rest = T(float_or_double<V>(7.158233824158e-10, -1.81385709255e-17));  // z = zero + rest
  const V d = (x - V(zero)) - V(rest);
  const V about_zero = xsimd::log1p(xsimd::log1p(V(T(0.63212055882855767840)) * formulas::expm1(d)));
  const V elsewhere = select(x < V(-18), x - V(0.5f) * formulas::exp(x), formulas::log(softplus(x)));
  return select(xsimd::abs(d) < V(1), about_zero, elsewhere);
}

/// d log_softplus / dx = sigmoid x / softplus x, for which 1 − eˣ/2 stands where eˣ is small.
template <class V> V log_softplus_slope(V x) {
  return select(x < V(-18), V(1) - V(0.5f) * formulas::exp(x), sigmoid(x) / softplus(x));
}

/// How far x ∈ [0, 1] is from the nearer end of sigmoid l as |l| grows: 1 − x for l > 0, else x.
template <class V> V bernoulli_weight(V x, V l) { return select(l > V(0), V(1) - x, x); }

/// x ln p + (1 − x) ln(1 − p) for p = sigmoid l: −w |l| − ln(1 + e^−|l|), w the weight above. This is
/// x l − max(l, 0) − ln(1 + e^−|l|) without its cancellation, and without 0 · ∞ for w = 0 and l = ±∞. NaN for
/// x outside [0, 1], where x (1 − x) < 0.
template <class V> V bernoulli_log_density(V x, V l) {
  const V size = xsimd::abs(l), weight = bernoulli_weight(x, l);
  const V y = -(select(weight == V(0), V(0), weight * size) + log1p_of_unit(xsimd::exp(-size)));
  return select(x * (V(1) - x) >= V(0), y, V(std::numeric_limits<Element<V>>::quiet_NaN()));
}

/// d bernoulli_log_density / dl = x − sigmoid l = ±(sigmoid(−|l|) − w), + for l > 0.
template <class V> V bernoulli_slope(V x, V l) {
  const V slope = sigmoid(-xsimd::abs(l)) - bernoulli_weight(x, l);
  return select(l > V(0), slope, -slope);
}

}  // namespace strata::formulas
