// Colours as grey levels.
#pragma once

#include <cmath>
#include <cstddef>
#include <string>
#include <type_traits>

#include "strata/tensor/tensor.hpp"

namespace strata::tools {

/// 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601) of x (..., 3, ...), whose axis of colours this is: without that
/// axis. Bytes are rounded.
template <class T> Tensor<T> grey(const Tensor<T>& x, std::size_t axis) {
  Shape shape = x.shape();
  if (axis >= shape.size() || shape[axis] != 3)
    fail("grey", "needs three colours along axis " + std::to_string(axis) + "; x is " + to_string(shape));
  std::size_t inner = 1;  // elements between two colours
  for (std::size_t i = axis + 1; i < shape.size(); ++i) inner *= shape[i];
  shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis));
  auto y = Tensor<T>::from_shape(shape);
  for (std::size_t i = 0; i < y.size(); ++i) {
    const T* const c = x.data() + i / inner * 3 * inner + i % inner;
    const float level = 0.299f * c[0] + 0.587f * c[inner] + 0.114f * c[2 * inner];
    y.data()[i] = static_cast<T>(std::is_integral_v<T> ? std::round(level) : level);
  }
  return y;
}

}  // namespace strata::tools
