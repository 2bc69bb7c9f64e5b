#include "strata/tensor/loops.hpp"

#include <algorithm>

namespace strata::detail {

bool join(Shape& shape, const Shape& other) {
  if (shape.size() < other.size()) {
    Shape longer(other.size(), 1);
    std::copy(shape.begin(), shape.end(), longer.end() - static_cast<std::ptrdiff_t>(shape.size()));
    shape = longer;
  }
  const std::size_t lead = shape.size() - other.size();
  for (std::size_t axis = 0; axis < other.size(); ++axis) {
    std::size_t& size = shape[lead + axis];
    if (size == 1)
      size = other[axis];
    else if (other[axis] != 1 && other[axis] != size)
      return false;
  }
  return true;
}

bool broadcasts(const Shape& from, const Shape& to) {
  if (from.size() > to.size()) return false;
  const std::size_t lead = to.size() - from.size();
  for (std::size_t axis = 0; axis < from.size(); ++axis)
    if (from[axis] != 1 && from[axis] != to[lead + axis]) return false;
  return true;
}

void find_steps(const Shape& from, const Shape& full, Steps& steps) {
  if (full.size() > max_axes)
    fail("expression",
         "a tensor of shape " + to_string(full) + " has more than " + std::to_string(max_axes) + " axes");
  std::ptrdiff_t step = 1;
  for (std::size_t k = 0; k < full.size(); ++k) {  // from the innermost axis
    const std::size_t size = k < from.size() ? from[from.size() - 1 - k] : 1;
    steps[full.size() - 1 - k] = size == 1 ? 0 : step;
    step *= static_cast<std::ptrdiff_t>(size);
  }
}

Loop merge_axes(const Shape& full, Steps* const* steps, std::size_t leaves) {
  Loop loop{0, {}};
  for (std::size_t axis = 0; axis < full.size(); ++axis) {
    if (full[axis] == 1) continue;
    bool joins = loop.rank > 0;
    for (std::size_t k = 0; k < leaves; ++k)
      joins =
          joins && (*steps[k])[loop.rank - 1] == (*steps[k])[axis] * static_cast<std::ptrdiff_t>(full[axis]);
    if (!joins) loop.sizes[loop.rank++] = 1;
    loop.sizes[loop.rank - 1] *= full[axis];
    for (std::size_t k = 0; k < leaves; ++k) (*steps[k])[loop.rank - 1] = (*steps[k])[axis];
  }
  if (loop.rank == 0) {  // one element
    loop.sizes[loop.rank++] = 1;
    for (std::size_t k = 0; k < leaves; ++k) (*steps[k])[0] = 0;
  }
  return loop;
}

}  // namespace strata::detail
