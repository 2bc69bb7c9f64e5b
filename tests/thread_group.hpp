// A group without processes: threads, each of which stands for one.
#pragma once

#include <algorithm>
#include <barrier>
#include <exception>
#include <thread>
#include <vector>

#include "strata/tensor/group.hpp"

namespace strata {

/// One of them. It sums in the order of ranks; what was begun is summed by `finish`.
class ThreadOfGroup : public Group {
 public:
  /// What they have in common.
  struct Meeting {
    std::barrier<> all;
    std::vector<const void*> numbers;  // of each
    explicit Meeting(std::size_t size) : all(static_cast<std::ptrdiff_t>(size)), numbers(size) {}
  };

  ThreadOfGroup(std::size_t rank, std::size_t size, Meeting& meeting)
      : Group(rank, size), meeting_(meeting) {}

 private:
  template <class T> void add(std::span<T> x) {
    meeting_.numbers[rank()] = x.data();
    meeting_.all.arrive_and_wait();
    std::vector<T> sum(x.size());
    for (const void* numbers : meeting_.numbers)
      for (std::size_t i = 0; i < x.size(); ++i) sum[i] += static_cast<const T*>(numbers)[i];
    meeting_.all.arrive_and_wait();
    std::copy(sum.begin(), sum.end(), x.begin());
  }
  void sum_all(std::span<float> x) override { add(x); }
  void sum_all(std::span<double> x) override { add(x); }
  void begin_all(std::span<float> x) override { floats_.push_back(x); }
  void begin_all(std::span<double> x) override { doubles_.push_back(x); }
  void finish_all() override {
    for (const auto& x : floats_) add(x);
    for (const auto& x : doubles_) add(x);
    floats_.clear();
    doubles_.clear();
  }

  Meeting& meeting_;
  std::vector<std::span<float>> floats_;
  std::vector<std::span<double>> doubles_;
};

/// Calls f(Group&) in `size` threads at once, as so many processes would, and waits for them. All must end
/// alike: what the first thread throws is thrown.
template <class F> void in_group(std::size_t size, F f) {
  ThreadOfGroup::Meeting meeting(size);
  std::vector<std::exception_ptr> thrown(size);
  std::vector<std::thread> threads;
  for (std::size_t rank = 0; rank < size; ++rank)
    threads.emplace_back([&, rank] {
      ThreadOfGroup group(rank, size, meeting);
      try {
        f(group);
      } catch (...) {
        thrown[rank] = std::current_exception();
      }
    });
  for (auto& thread : threads) thread.join();
  for (const auto& error : thrown)
    if (error) std::rethrow_exception(error);
}

}  // namespace strata
