// What the files of `benchmark` share: how a time is taken, and what each of them registers.
#pragma once

#include <chrono>
#include <functional>
#include <vector>

#include "strata/tensor/tensor.hpp"

namespace strata::tools {

double median(std::vector<double> values);

/// Runs from its making.
class Stopwatch {
 public:
  double milliseconds() const {
    return std::chrono::duration<double, std::milli>(Clock::now() - start_).count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

/// How long f takes.
double milliseconds(const std::function<void()>& f);

/// Standard normal numbers.
Tensor<float> normals(const Shape& shape);

/// Calls add(threads) with all threads and, where there are several, with one.
void for_thread_counts(const std::function<void(std::size_t)>& add);

void register_steps();
void register_estimation();
void register_parts();
void register_growth();

}  // namespace strata::tools
