#include "autograd/axes.hpp"

#include <algorithm>

namespace strata::detail {

std::size_t resolve_axis(const char* operation, const Shape& shape, std::ptrdiff_t axis) {
  const auto rank = static_cast<std::ptrdiff_t>(shape.size());
  if (axis < -rank || axis >= rank)
    fail(operation,
         "axis " + std::to_string(axis) + " is out of range for a tensor of shape " + to_string(shape));
  return static_cast<std::size_t>(axis < 0 ? axis + rank : axis);
}

Shape kept_shape(const char* operation, const Shape& shape, const Axes& axes) {
  Shape kept = shape;
  xt::svector<bool, 4> seen(shape.size(), false);
  for (const std::ptrdiff_t given : axes) {
    const std::size_t axis = resolve_axis(operation, shape, given);
    if (seen[axis]) fail(operation, "axis " + std::to_string(given) + " is named twice");
    seen[axis] = true;
    kept[axis] = 1;
  }
  return kept;
}

Shape reduced_shape(const char* operation, const Shape& shape, const Axes& axes) {
  xt::svector<bool, 4> gone(shape.size(), false);
  for (const std::ptrdiff_t axis : axes) gone[resolve_axis(operation, shape, axis)] = true;
  Shape reduced;
  for (std::size_t axis = 0; axis < shape.size(); ++axis)
    if (!gone[axis]) reduced.push_back(shape[axis]);
  return reduced;
}

AxisView axis_view(const Shape& shape, std::size_t axis) {
  AxisView view{1, shape[axis], 1};
  for (std::size_t k = 0; k < axis; ++k) view.outer *= shape[k];
  for (std::size_t k = axis + 1; k < shape.size(); ++k) view.inner *= shape[k];
  return view;
}

}  // namespace strata::detail
