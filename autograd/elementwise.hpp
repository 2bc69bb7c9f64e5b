// Elementwise functions. They accept ±∞ and the ends of the float range, and pass NaN on. Where no gradient
// arrives (ȳ = 0) none leaves, even where the derivative is infinite or NaN (PyTorch: NaN).
//
// "≤ 3, 4 ulp" bounds the error of the float function and of its derivative where these are normal numbers,
// in units of the last place, on every exponent and both signs; sigmoid and softplus may give 0 for a
// subnormal number. An element's value does not depend on its place in the tensor.
#pragma once

#include "strata/autograd/arithmetic.hpp"

namespace strata {

/// eˣ (≤ 3, 3 ulp)
template <class T> Var<T> exp(Var<T> x);
/// ln x (≤ 1, 1 ulp)
template <class T> Var<T> log(Var<T> x);
/// ln(1 + x), exact near 0 (≤ 1, 2 ulp)
template <class T> Var<T> log1p(Var<T> x);
/// eˣ − 1, exact near 0 (≤ 2, 3 ulp)
template <class T> Var<T> expm1(Var<T> x);
/// sin x (≤ 2, 2 ulp)
template <class T> Var<T> sin(Var<T> x);
/// cos x (≤ 2, 2 ulp)
template <class T> Var<T> cos(Var<T> x);
/// 2/√π ∫_0^x e^(−t²) dt (≤ 3, 5 ulp)
template <class T> Var<T> erf(Var<T> x);
/// xᶜ. NaN for x < 0 unless c is whole. c = 1, 2, 3 and −1 are products; others, by the standard
/// library, take ten times as long, and follow IEEE 754 at −0 and −∞ (≤ 2, 2 ulp).
template <class T> Var<T> pow(Var<T> x, Scalar<T> c);
/// √x (≤ 1, 2 ulp)
template <class T> Var<T> sqrt(Var<T> x);
/// x² (≤ 1, 1 ulp)
template <class T> Var<T> square(Var<T> x);
/// |x|, with derivative 0 at 0, NaN at NaN (PyTorch: 0)
template <class T> Var<T> abs(Var<T> x);
/// a where mask ≠ 0, else b, and NaN where the mask is; the three broadcast. Throws for a mask that needs a
/// gradient: none flows into it.
template <class T> Var<T> where(Var<T> mask, Var<T> a, Var<T> b);
/// min(max(x, low), high), with derivative 1 on [low, high], 0 outside, 1 at NaN (PyTorch: 0)
template <class T> Var<T> clamp(Var<T> x, Scalar<T> low, Scalar<T> high);
/// max(a, b); where they are equal each gets half of the gradient, at NaN none
/// (PyTorch: all)
template <class T> Var<T> maximum(Var<T> a, Var<T> b);
/// min(a, b) = −max(−a, −b)
template <class T> Var<T> minimum(Var<T> a, Var<T> b);

/// tanh x (≤ 2, 6 ulp)
template <class T> Var<T> tanh(Var<T> x);
/// max(x, 0), with derivative 0 at 0 and at NaN (PyTorch: 1)
template <class T> Var<T> relu(Var<T> x);
/// x where x > 0, else slope · x; Keras' slope is 0.3
template <class T> Var<T> leaky_relu(Var<T> x, Scalar<T> slope = T(0.01));
/// 1 / (1 + e⁻ˣ) (≤ 2, 4 ulp)
template <class T> Var<T> sigmoid(Var<T> x);
/// ln sigmoid x = −softplus(−x) (≤ 4, 4 ulp)
template <class T> Var<T> log_sigmoid(Var<T> x);
/// ln(1 + eˣ) (≤ 4, 4 ulp); PyTorch's is x from 20 on
template <class T> Var<T> softplus(Var<T> x);
/// ln softplus x, exact where softplus x itself underflows: the log standard deviation of a softplus scale
/// (≤ 4, 5 ulp)
template <class T> Var<T> log_softplus(Var<T> x);

/// x as a constant: no gradient flows back
template <class T> Var<T> stop_gradient(Var<T> x);

}  // namespace strata
