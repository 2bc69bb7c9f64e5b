// + − × ÷ of tensors and scalars. Two tensors broadcast as NumPy's do; a scalar stands for a tensor of any
// shape. Each throws "[name] ..." for shapes that do not broadcast and for inputs on different tapes.
#pragma once

#include <type_traits>

#include "strata/autograd/tape.hpp"

namespace strata {

/// A number beside a Var<T>: `2 * x` compiles for Var<float> too.
template <class T> using Scalar = std::type_identity_t<T>;

template <class T> Var<T> operator+(Var<T> a, Var<T> b);
template <class T> Var<T> operator-(Var<T> a, Var<T> b);
template <class T> Var<T> operator*(Var<T> a, Var<T> b);
template <class T> Var<T> operator/(Var<T> a, Var<T> b);
template <class T> Var<T> operator+(Var<T> x, Scalar<T> c);
template <class T> Var<T> operator+(Scalar<T> c, Var<T> x);
template <class T> Var<T> operator-(Var<T> x, Scalar<T> c);
template <class T> Var<T> operator-(Scalar<T> c, Var<T> x);
template <class T> Var<T> operator*(Var<T> x, Scalar<T> c);
template <class T> Var<T> operator*(Scalar<T> c, Var<T> x);
template <class T> Var<T> operator/(Var<T> x, Scalar<T> c);
template <class T> Var<T> operator/(Scalar<T> c, Var<T> x);
template <class T> Var<T> operator-(Var<T> x);

}  // namespace strata
