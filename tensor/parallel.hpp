// The one thread pool: OpenMP's, shared by elementwise passes and matrix products.
#pragma once

#include <cstddef>
#include <type_traits>

namespace strata {

/// The number of threads that large loops and products use: OMP_NUM_THREADS, else the number of cores.
std::size_t thread_count();

/// Sets `thread_count` for the calling thread's loops; at least 1.
void set_thread_count(std::size_t count);

/// Another `thread_count` for as long as it lives.
class ThreadLimit {
 public:
  explicit ThreadLimit(std::size_t count) : before_(thread_count()) { set_thread_count(count); }
  ~ThreadLimit() { set_thread_count(before_); }
  ThreadLimit(const ThreadLimit&) = delete;
  ThreadLimit& operator=(const ThreadLimit&) = delete;

 private:
  std::size_t before_;
};

namespace detail {
void run_parallel(std::size_t n, std::size_t multiple, void* context,
                  void (*run)(void* context, std::size_t begin, std::size_t end));
}  // namespace detail

/// Calls f(begin, end) on consecutive pieces of [0, n), one a thread, whose bounds are multiples of
/// `multiple`; on the calling thread alone if n < grain. `f` must not throw.
template <class F> void parallel_for(std::size_t n, std::size_t grain, F&& f, std::size_t multiple = 64) {
  if (n < grain) return f(std::size_t{0}, n);
  detail::run_parallel(n, multiple, &f, [](void* context, std::size_t begin, std::size_t end) {
    (*static_cast<std::remove_reference_t<F>*>(context))(begin, end);
  });
}

}  // namespace strata
