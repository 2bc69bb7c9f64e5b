#include "strata/tools/benchmark/benchmarks.hpp"

#include <algorithm>

#include "strata/tensor/parallel.hpp"
#include "strata/tensor/random.hpp"

namespace strata::tools {

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double milliseconds(const std::function<void()>& f) {
  const Stopwatch watch;
  f();
  return watch.milliseconds();
}

Tensor<float> normals(const Shape& shape) {
  Rng rng{1};
  auto x = Tensor<float>::from_shape(shape);
  fill_normal(rng, x);
  return x;
}

void for_thread_counts(const std::function<void(std::size_t)>& add) {
  const std::size_t all = thread_count();
  add(all);
  if (all > 1) add(1);
}

}  // namespace strata::tools
