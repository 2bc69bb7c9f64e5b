// The one thread pool, shared by elementwise passes and matrix products. Large loops are cut into pieces that
// threads take as they come; the calling thread takes pieces too, so that it waits for others only where they
// have begun one. Threads without work wait awake for some tens of microseconds, then asleep.
//
// Any number of threads may call at once (train models, each with its own tape): each has workers of its own.
// A forked child starts new ones.
#pragma once

#include <cstddef>
#include <type_traits>

namespace strata {

/// The number of threads that the calling thread's large loops and products use: what `set_thread_count` was
/// given in this thread, else the environment's OMP_NUM_THREADS, else the processors this process may use:
/// those of its affinity mask, or fewer where a control group (a container) limits its CPU time.
std::size_t thread_count();

/// Sets `thread_count` of the calling thread; at least 1. Several threads that train at once share the
/// processors best where their counts add up to them.
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

/// Calls f(begin, end) on pieces of [0, n) whose bounds are multiples of `multiple`, on the calling thread
/// and others at once; on the calling thread alone, in one piece, if n < grain or within another loop's
/// piece. The pieces depend on n, `multiple` and `thread_count` only, never on time. `f` must not throw.
template <class F> void parallel_for(std::size_t n, std::size_t grain, F&& f, std::size_t multiple = 64) {
  if (n < grain) return f(std::size_t{0}, n);
  detail::run_parallel(n, multiple, &f, [](void* context, std::size_t begin, std::size_t end) {
    (*static_cast<std::remove_reference_t<F>*>(context))(begin, end);
  });
}

}  // namespace strata
