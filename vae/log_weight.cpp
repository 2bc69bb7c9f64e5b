#include "strata/vae/log_weight.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace strata {

void LogWeight::operator()(const Tensor<double>& epsilon, Tensor<double>& value,
                           Tensor<double>* gradient) const {
  constexpr double farthest = 1e4;
  if (epsilon.dimension() != 2 || epsilon.shape(1) != width_)
    fail("LogWeight", "the noise is " + to_string(epsilon.shape()) + ", the model needs (B, " +
                          std::to_string(width_) + ")");
  const std::size_t rows = epsilon.shape(0);
  std::vector<std::size_t> lost;
  for (std::size_t row = 0; row < rows; ++row) {
    const double* e = epsilon.data() + row * width_;
    if (!std::all_of(e, e + width_, [](double x) { return std::abs(x) < farthest; })) lost.push_back(row);
  }
  if (gradient) gradient->resize(epsilon.shape());
  if (lost.empty()) {
    function_(epsilon, value, gradient);
  } else {
    Tensor<double> within = epsilon;
    for (const std::size_t row : lost) std::fill_n(within.data() + row * width_, width_, 0.0);
    function_(within, value, gradient);
  }
  for (const std::size_t row : lost) {
    value(row) = -std::numeric_limits<double>::infinity();
    if (gradient) std::fill_n(gradient->data() + row * width_, width_, 0.0);
  }
}

}  // namespace strata
