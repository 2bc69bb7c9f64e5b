// Parts of tensors that are contiguous runs at equal distances.
#pragma once

#include "strata/tensor/expression.hpp"

namespace strata {

/// Elements first + r step + i of a tensor, in memory order, for r < runs and i < count.
struct Part {
  std::size_t first, step, count, runs;
};

/// The elements begin ... end − 1 along an axis of a tensor of this shape.
Part part_along(const Shape& shape, std::size_t axis, std::size_t begin, std::size_t end);

/// Run r of one part becomes, or is added to, run r of another, of as many runs as long. The tensors differ.
template <class T> void copy(const Tensor<T>& from, const Part& source, Tensor<T>& to, const Part& target,
                             Update update = Update::assign);

}  // namespace strata
