#include "strata/tensor/part.hpp"

#include <functional>
#include <numeric>

namespace strata {

Part part_along(const Shape& shape, std::size_t axis, std::size_t begin, std::size_t end) {
  const auto product = [&](std::size_t from, std::size_t to) {
    std::size_t count = 1;
    for (std::size_t k = from; k < to; ++k) count *= shape[k];
    return count;
  };
  const std::size_t inner = product(axis + 1, shape.size());
  return {begin * inner, shape[axis] * inner, (end - begin) * inner, product(0, axis)};
}

template <class T>
void copy(const Tensor<T>& from, const Part& source, Tensor<T>& to, const Part& target, Update update) {
  const std::size_t count = source.count;
  parallel_for(
      source.runs, detail::parallel_elements / std::max<std::size_t>(count, 1) + 1,
      [&](std::size_t begin, std::size_t end) {
        for (std::size_t r = begin; r < end; ++r) {
          const T* values = from.data() + source.first + r * source.step;
          T* target_run = to.data() + target.first + r * target.step;
          if (update == Update::assign)
            std::copy_n(values, count, target_run);
          else
            for (std::size_t i = 0; i < count; ++i) target_run[i] += values[i];
        }
      },
      1);
}

template void copy(const Tensor<float>&, const Part&, Tensor<float>&, const Part&, Update);
template void copy(const Tensor<double>&, const Part&, Tensor<double>&, const Part&, Update);

}  // namespace strata
