#include "tensor/evaluate.hpp"

#include <algorithm>

namespace strata {

detail::Strides detail::row_major_strides(const Shape& shape) {
  Strides strides(shape.size());
  xt::compute_strides(shape, xt::layout_type::row_major, strides);
  return strides;
}

xt::svector<detail::SumAxis, 4> detail::sum_axes(const Shape& full, const Shape& result) {
  xt::svector<SumAxis, 4> axes;  // innermost first while being built
  std::size_t step = 1, result_step = 1;
  for (std::size_t k = 0; k < full.size(); ++k) {
    const std::size_t size = full[full.size() - 1 - k];
    const std::size_t kept = k < result.size() ? result[result.size() - 1 - k] : 1;
    const SumAxis axis{size, step, kept == 1 ? 0 : result_step};
    step *= size;
    result_step *= kept;
    if (size == 1) continue;
    const bool merges = !axes.empty() && (axis.result_step == 0) == (axes.back().result_step == 0);
    if (merges)
      axes.back().size *= size;  // both summed over, or both kept and contiguous in the result
    else
      axes.push_back(axis);
  }
  if (axes.empty()) axes.push_back({1, 1, 0});
  std::reverse(axes.begin(), axes.end());
  return axes;
}

}  // namespace strata
