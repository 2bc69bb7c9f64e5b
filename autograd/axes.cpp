#include "strata/autograd/axes.hpp"

namespace strata::detail {

std::size_t resolve_axis(const char* operation, const Shape& shape, std::ptrdiff_t axis) {
  const auto rank = static_cast<std::ptrdiff_t>(shape.size());
  if (axis < -rank || axis >= rank)
    fail(operation,
         "axis " + std::to_string(axis) + " is out of range for a tensor of shape " + to_string(shape));
  return static_cast<std::size_t>(axis < 0 ? axis + rank : axis);
}

Reduced reduced(const char* operation, const Shape& shape, const Axes& axes, KeepAxes keep) {
  xt::svector<bool, 4> gone(shape.size(), false);
  for (const std::ptrdiff_t given : axes) {
    const std::size_t axis = resolve_axis(operation, shape, given);
    if (gone[axis]) fail(operation, "axis " + std::to_string(given) + " is named twice");
    gone[axis] = true;
  }
  Reduced result;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    result.kept.push_back(gone[axis] ? 1 : shape[axis]);
    if (!gone[axis]) result.shape.push_back(shape[axis]);
  }
  if (keep == KeepAxes::yes) result.shape = result.kept;
  return result;
}

Permutation permutation(const char* operation, const Shape& shape, const Axes& axes) {
  if (axes.size() != shape.size())
    fail(operation,
         std::to_string(axes.size()) + " axes are given for a tensor of shape " + to_string(shape));
  xt::svector<std::size_t, 4> order, inverse(shape.size(), shape.size());
  for (const std::ptrdiff_t given : axes) {
    const std::size_t axis = resolve_axis(operation, shape, given);
    if (inverse[axis] != shape.size()) fail(operation, "axis " + std::to_string(given) + " is named twice");
    inverse[axis] = order.size();
    order.push_back(axis);
  }
  return {Axes(order), Axes(inverse)};
}

}  // namespace strata::detail
