#include "strata/tensor/parallel.hpp"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <new>
#include <system_error>
#include <thread>

#include "strata/tensor/processors.hpp"

namespace strata {
namespace {

using RunPiece = void (*)(void*, std::size_t, std::size_t);

thread_local std::size_t chosen_count = 0;  // 0: the default
thread_local bool within_piece = false;

// A loop and its pieces. The first is the calling thread's share; every other share is cut in two. So the
// caller, where nobody helps, does all of it without having waited, a worker that loses its core holds back
// half a share at most, and the other factor of a product is packed only once more for each worker.
struct CutLoop {
  std::size_t n, multiple, threads;
  void* context;
  RunPiece run;

  std::uint32_t pieces() const { return static_cast<std::uint32_t>(2 * threads - 1); }
  void run_piece(std::size_t piece) const {
    const std::size_t begin = bound(piece == 0 ? 0 : piece + 1), end = bound(piece + 2);
    if (begin < end) run(context, begin, end);
  }

 private:
  std::size_t bound(std::size_t half_shares) const {
    const std::size_t blocks = (n + multiple - 1) / multiple;
    return std::min(n, blocks * half_shares / (2 * threads) * multiple);
  }
};

// Tells the processor that this is a waiting loop.
void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Waits while `value` is `old`: some tens of microseconds awake, as between the loops of a step, then asleep.
void wait_while(const std::atomic<std::uint32_t>& value, std::uint32_t old) {
  constexpr int pauses = 2000;
  for (int i = 0; i < pauses; ++i, pause())
    if (value.load(std::memory_order_acquire) != old) return;
  value.wait(old, std::memory_order_acquire);
}

// One calling thread at a time and the workers that help it.
class Team {
 public:
  bool try_own() { return !owned_.exchange(true, std::memory_order_acquire); }
  void disown() { owned_.store(false, std::memory_order_release); }

  // For the owner.
  void run(const CutLoop& loop) noexcept {
    hire(loop.threads - 1);
    const std::uint32_t job = job_.load(std::memory_order_relaxed) + 1, pieces = loop.pieces();
    n_.store(loop.n, std::memory_order_relaxed);
    multiple_.store(loop.multiple, std::memory_order_relaxed);
    threads_.store(loop.threads, std::memory_order_relaxed);
    context_.store(loop.context, std::memory_order_relaxed);
    run_.store(loop.run, std::memory_order_relaxed);
    unfinished_.store(pieces, std::memory_order_relaxed);
    ticket_.store(std::uint64_t{job} << 32 | (pieces - 1), std::memory_order_release);
    job_.store(job, std::memory_order_release);
    job_.notify_all();
    within_piece = true;
    loop.run_piece(0);
    unfinished_.fetch_sub(1, std::memory_order_acq_rel);
    take_pieces(0);
    within_piece = false;
    while (const std::uint32_t begun = unfinished_.load(std::memory_order_acquire))
      wait_while(unfinished_, begun);
  }

 private:
  // Starts workers until there are `count`, or as many as the system allows: those that are there do the
  // work.
  void hire(std::size_t count) {
    for (; workers_ < count; ++workers_) try {
        std::thread(&Team::serve, this, workers_ + 1, job_.load(std::memory_order_relaxed)).detach();
      } catch (const std::system_error&) {
        return;
      }
  }

  void serve(std::size_t thread, std::uint32_t job) {
    within_piece = true;
    for (;;) {
      wait_while(job_, job);
      job = job_.load(std::memory_order_acquire);
      take_pieces(thread);
    }
  }

  // Runs pieces while there are any. What is read of the loop belongs to the piece if its ticket can be
  // taken: the owner writes the next loop only when all pieces of this one are finished.
  void take_pieces(std::size_t thread) {
    for (;;) {
      std::uint64_t ticket = ticket_.load(std::memory_order_acquire);
      const auto waiting = static_cast<std::uint32_t>(ticket);
      const CutLoop loop{n_.load(std::memory_order_relaxed), multiple_.load(std::memory_order_relaxed),
                         threads_.load(std::memory_order_relaxed), context_.load(std::memory_order_relaxed),
                         run_.load(std::memory_order_relaxed)};
      if (waiting == 0 || thread >= loop.threads) return;
      if (!ticket_.compare_exchange_weak(ticket, ticket - 1, std::memory_order_acq_rel)) continue;
      loop.run_piece(loop.pieces() - waiting);
      if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) == 1) unfinished_.notify_one();
    }
  }

  std::atomic<bool> owned_ = false;
  std::size_t workers_ = 0;
  std::atomic<std::size_t> n_ = 0, multiple_ = 0, threads_ = 0;
  std::atomic<void*> context_ = nullptr;
  std::atomic<RunPiece> run_ = nullptr;
  alignas(64) std::atomic<std::uint64_t> ticket_ = 0;      // the job's number, and its pieces not yet begun
  alignas(64) std::atomic<std::uint32_t> job_ = 0;         // workers wait for the next
  alignas(64) std::atomic<std::uint32_t> unfinished_ = 0;  // the owner waits for 0
};

// A team for each thread that calls at the same time as others. They outlive every static object, since the
// workers are never joined.
constinit std::array<Team, 32> teams;
static_assert(std::is_trivially_destructible_v<Team>);

// A forked child has none of its parent's workers.
void forget_workers() {
  for (Team& team : teams) new (&team) Team();
}

}  // namespace

std::size_t thread_count() {
  static const std::size_t by_default = default_thread_count();
  return chosen_count == 0 ? by_default : chosen_count;
}

void set_thread_count(std::size_t count) { chosen_count = std::max<std::size_t>(count, 1); }

void detail::run_parallel(std::size_t n, std::size_t multiple, void* context, RunPiece run) {
  const std::size_t threads = std::min(thread_count(), (n + multiple - 1) / multiple);
  if (threads <= 1 || within_piece) return run(context, 0, n);
  [[maybe_unused]] static const int registered = pthread_atfork(nullptr, nullptr, forget_workers);
  const CutLoop loop{n, multiple, threads, context, run};
  const auto team = std::find_if(teams.begin(), teams.end(), [](Team& t) { return t.try_own(); });
  if (team == teams.end()) {  // the same pieces, so that the bits of a result do not depend on who else calls
    for (std::size_t piece = 0; piece < loop.pieces(); ++piece) loop.run_piece(piece);
    return;
  }
  team->run(loop);
  team->disown();
}

}  // namespace strata
