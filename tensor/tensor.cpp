#include "strata/tensor/tensor.hpp"

#include <functional>
#include <numeric>
#include <stdexcept>

namespace strata {

std::string to_string(const Shape& shape) {
  std::string text = "(";
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (axis > 0) text += ", ";
    text += std::to_string(shape[axis]);
  }
  return text + ")";
}

std::size_t element_count(const Shape& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
}

void fail(std::string_view operation, const std::string& message) {
  throw std::invalid_argument("[" + std::string(operation) + "] " + message);
}

}  // namespace strata
