// How operations see an axis: x as (outer, size, inner).
#pragma once

#include "autograd/reduce.hpp"

namespace strata::detail {

/// The axis counted from 0. Throws "[operation] axis ... is out of range".
std::size_t resolve_axis(const char* operation, const Shape& shape, std::ptrdiff_t axis);

/// `shape` with the given axes of size 1. Throws for an axis out of range or named twice.
Shape kept_shape(const char* operation, const Shape& shape, const Axes& axes);

/// `shape` without the given axes.
Shape reduced_shape(const char* operation, const Shape& shape, const Axes& axes);

/// A tensor's sizes before, along and after an axis.
struct AxisView {
  std::size_t outer, size, inner;
};
AxisView axis_view(const Shape& shape, std::size_t axis);

/// x's elements under another shape of as many elements, without a copy. Valid while x is.
template <class T> auto reshaped(const Tensor<T>& x, const Shape& shape) {
  return xt::adapt(x.data(), x.size(), xt::no_ownership(), shape);
}

}  // namespace strata::detail
