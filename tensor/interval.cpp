#include "strata/tensor/interval.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace strata {
namespace {

std::string text(double x) {
  std::ostringstream out;
  out << (std::isnan(x) ? std::abs(x) : x);  // whose sign means nothing
  return out.str();
}

}  // namespace

template <class T> std::string element_text(const Tensor<T>& x, std::size_t i) {
  Shape place = x.shape();
  std::size_t rest = i;
  for (std::size_t axis = place.size(); axis-- > 0; rest /= x.shape()[axis])
    place[axis] = rest % x.shape()[axis];
  return text(static_cast<double>(x.data()[i])) + " at " + to_string(place);
}

template <class T>
void require_within(const char* operation, const char* what, const Tensor<T>& x, const Interval& interval) {
  const T* end = x.data() + x.size();
  const T* wrong =
      std::find_if_not(x.data(), end, [&](T v) { return interval.contains(static_cast<double>(v)); });
  if (wrong == end) return;
  const bool bounded = interval.low > real_numbers.low || interval.high < real_numbers.high;
  fail(operation, std::string(what) + " is " + element_text(x, static_cast<std::size_t>(wrong - x.data())) +
                      (bounded ? "; it must lie in [" + text(interval.low) + ", " + text(interval.high) + "]"
                               : "; it must be finite"));
}

#define STRATA_INSTANTIATE(T)                                       \
  template std::string element_text(const Tensor<T>&, std::size_t); \
  template void require_within(const char*, const char*, const Tensor<T>&, const Interval&);
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)

}  // namespace strata
