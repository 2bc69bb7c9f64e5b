// Intervals of numbers, and the refusal of data outside.
#pragma once

#include <limits>

#include "strata/tensor/tensor.hpp"

namespace strata {

/// The finite numbers from `low` to `high`. NaN and ±∞ lie in none.
struct Interval {
  double low = std::numeric_limits<double>::lowest(), high = std::numeric_limits<double>::max();

  bool contains(double x) const { return low <= x && x <= high; }
};
inline constexpr Interval real_numbers, unit_interval{0, 1};

/// "255 at (0, 1)": the i-th element and its place, as error messages show it.
template <class T> std::string element_text(const Tensor<T>& x, std::size_t i);

/// Throws "[operation] what is 255 at (0, 1); it must lie in [0, 1]", telling the first such element, unless
/// all of x lie in the interval.
template <class T>
void require_within(const char* operation, const char* what, const Tensor<T>& x, const Interval& interval);

}  // namespace strata
