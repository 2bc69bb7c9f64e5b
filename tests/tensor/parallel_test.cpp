#include "strata/tensor/parallel.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "strata/tensor/linalg.hpp"
#include "strata/tensor/random.hpp"

using namespace strata;

namespace {

using Pieces = std::set<std::pair<std::size_t, std::size_t>>;

Pieces pieces_of(std::size_t n, std::size_t grain, std::size_t multiple) {
  std::mutex mutex;
  Pieces pieces;
  parallel_for(
      n, grain,
      [&](std::size_t begin, std::size_t end) {
        const std::lock_guard lock(mutex);
        pieces.emplace(begin, end);
      },
      multiple);
  return pieces;
}

// How often each index of `loops` loops over [0, n) was visited.
std::vector<int> visits(std::size_t n, int loops) {
  std::vector<int> count(n, 0);
  for (int loop = 0; loop < loops; ++loop)
    parallel_for(
        n, 1,
        [&](std::size_t begin, std::size_t end) {
          for (std::size_t i = begin; i < end; ++i) ++count[i];
        },
        1);
  return count;
}

Tensor<float> product(std::uint64_t seed) {
  Rng rng{seed};
  auto a = Tensor<float>::from_shape({100, 300}), b = Tensor<float>::from_shape({300, 200});
  Tensor<float> c;
  fill_normal(rng, a);
  fill_normal(rng, b);
  matmul(a, Transpose::no, b, Transpose::no, 0.0f, c);
  return c;
}

// Whether a forked child ends by itself and found `works` to hold.
template <class F> bool child_succeeds(F works) {
  const pid_t child = fork();
  if (child == 0) _exit(works() ? 0 : 1);
  int status = 0;
  for (int i = 0; i < 1000; ++i) {
    if (waitpid(child, &status, WNOHANG) == child) return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  kill(child, SIGKILL);
  waitpid(child, &status, 0);
  return false;
}

}  // namespace

TEST_CASE("parallel_for covers every index once, in pieces that begin at multiples") {
  for (const std::size_t threads : {1, 2, 3, 8})
    for (const std::size_t n : {0, 1, 2, 7, 63, 64, 65, 127, 1000, 4096})
      for (const std::size_t grain : {1, 64, 1000})
        for (const std::size_t multiple : {1, 16, 64}) {
          CAPTURE(threads, n, grain, multiple);
          const ThreadLimit limit(threads);
          const Pieces pieces = pieces_of(n, grain, multiple);
          if (n < grain) CHECK(pieces.size() == 1);
          std::size_t covered = 0;
          bool in_order = true;
          for (const auto& [begin, end] : pieces) {
            in_order = in_order && begin == covered && begin % multiple == 0;
            covered = end;
          }
          CHECK(in_order);
          CHECK(covered == n);
        }
}

TEST_CASE("The pieces of a loop are the same each time and for each caller") {
  const ThreadLimit limit(3);
  const Pieces pieces = pieces_of(1000, 1, 16);
  CHECK(pieces.size() == 5);  // a whole share, then halves
  std::atomic<int> differing = 0;
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 40; ++caller)
    callers.emplace_back([&] {
      const ThreadLimit own_limit(3);
      for (int i = 0; i < 20; ++i) differing += pieces_of(1000, 1, 16) != pieces;
    });
  for (std::thread& caller : callers) caller.join();
  CHECK(differing == 0);
}

TEST_CASE("Several threads run loops at once, each with its own count") {
  std::atomic<int> wrong = 0;
  std::vector<std::thread> callers;
  for (std::size_t caller = 0; caller < 6; ++caller)
    callers.emplace_back([&, caller] {
      const ThreadLimit limit(1 + caller % 3);
      wrong += thread_count() != 1 + caller % 3;
      for (const int count : visits(100 + caller, 500)) wrong += count != 500;
    });
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0);
}

TEST_CASE("A loop within a piece runs on the piece's thread, in one piece") {
  const ThreadLimit limit(2);
  std::atomic<int> wrong = 0;
  parallel_for(
      8, 1,
      [&](std::size_t, std::size_t) {
        const auto self = std::this_thread::get_id();
        int pieces = 0;
        parallel_for(10000, 1, [&](std::size_t begin, std::size_t end) {
          ++pieces;
          wrong += begin != 0 || end != 10000 || std::this_thread::get_id() != self;
        });
        wrong += pieces != 1;
      },
      1);
  CHECK(wrong == 0);
}

TEST_CASE("A piece may run on another thread, and the caller takes part") {
  const ThreadLimit limit(2);
  std::set<std::thread::id> threads;
  for (int attempt = 0; attempt < 1000 && threads.size() < 2; ++attempt) {
    std::mutex mutex;
    parallel_for(
        3, 1,
        [&](std::size_t, std::size_t) {
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
          const std::lock_guard lock(mutex);
          threads.insert(std::this_thread::get_id());
        },
        1);
  }
  CHECK(threads.size() == 2);
  CHECK(threads.count(std::this_thread::get_id()) == 1);
}

TEST_CASE("A forked child has a pool and products of its own") {
  const ThreadLimit limit(2);
  const Tensor<float> expected = product(1);
  const auto works = [&] {
    return visits(1000, 100) == std::vector<int>(1000, 100) && product(1) == expected;
  };
  CHECK(works());
  CHECK(child_succeeds(works));
  CHECK(child_succeeds([&] { return works() && child_succeeds(works); }));
  CHECK(works());
}

TEST_CASE("A child forked while another thread runs loops works, too") {
  std::atomic<bool> stop = false;
  std::thread other([&] {
    const ThreadLimit limit(2);
    while (!stop) visits(1000, 1);
  });
  const ThreadLimit limit(2);
  for (int i = 0; i < 10; ++i)
    CHECK(child_succeeds([] { return visits(1000, 100) == std::vector<int>(1000, 100); }));
  stop = true;
  other.join();
}

TEST_CASE("ThreadLimit restores the count of its thread") {
  const std::size_t before = thread_count();
  CHECK(before >= 1);
  {
    const ThreadLimit limit(before + 3);
    CHECK(thread_count() == before + 3);
    set_thread_count(0);
    CHECK(thread_count() == 1);
  }
  CHECK(thread_count() == before);
}
