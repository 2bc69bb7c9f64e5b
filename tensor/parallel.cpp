#include "tensor/parallel.hpp"

#include <omp.h>

#include <algorithm>

namespace strata {

std::size_t thread_count() { return static_cast<std::size_t>(omp_get_max_threads()); }

void set_thread_count(std::size_t count) {
  omp_set_num_threads(static_cast<int>(std::max<std::size_t>(count, 1)));
}

void detail::run_parallel(std::size_t n, std::size_t multiple, void* context,
                          void (*run)(void*, std::size_t, std::size_t)) {
  if (thread_count() == 1 || omp_in_parallel()) return run(context, 0, n);
#pragma omp parallel
  {
    const auto threads = static_cast<std::size_t>(omp_get_num_threads());
    const auto thread = static_cast<std::size_t>(omp_get_thread_num());
    const std::size_t blocks = (n + multiple - 1) / multiple;
    const std::size_t begin = std::min(n, blocks * thread / threads * multiple);
    const std::size_t end = std::min(n, blocks * (thread + 1) / threads * multiple);
    if (begin < end) run(context, begin, end);
  }
}

}  // namespace strata
