#include "tools/pictures/normal_quantile.hpp"

#include <cmath>
#include <limits>
#include <numbers>
#include <sstream>

#include "tensor/tensor.hpp"

namespace strata {
namespace {

const double sqrt_two_pi = std::sqrt(2 * std::numbers::pi);

// One step of Halley's method for Φ(x) = p, where `excess` = Φ(x) − p and Φ″ / Φ′ = −x.
double halley(double x, double excess) {
  const double newton = excess * sqrt_two_pi * std::exp(x * x / 2);
  return x - newton / (1 + x * newton / 2);
}

// Near p = 1/2 all is done with p − 1/2, which is exact, so that x keeps its relative accuracy through 0.
double central_quantile(double offset) {
  const double w = sqrt_two_pi * offset, w2 = w * w;
  double x = w * (1 + w2 * (1.0 / 6 + w2 * (7.0 / 120)));  // Taylor series, error below 3e-4
  for (int step = 0; step < 2; ++step) x = halley(x, std::erf(x / std::numbers::sqrt2) / 2 - offset);
  return x;
}

// For small p: the rational start of Abramowitz and Stegun, 26.2.23, error below 4.5e-4.
double lower_quantile(double p) {
  const double t = std::sqrt(-2 * std::log(p));
  double x =
      (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))) - t;
  if (p < std::numeric_limits<double>::min()) return x;  // erfc has no digits left to improve it
  for (int step = 0; step < 2; ++step) x = halley(x, std::erfc(-x / std::numbers::sqrt2) / 2 - p);
  return x;
}

}  // namespace

double normal_quantile(double p) {
  if (!(p > 0 && p < 1)) {  // also where p is NaN
    std::ostringstream message;
    message << "p is " << p << "; it must lie strictly between 0 and 1";
    fail("normal_quantile", message.str());
  }
  if (std::abs(p - 0.5) < 0.2) return central_quantile(p - 0.5);
  return p < 0.5 ? lower_quantile(p) : -lower_quantile(1 - p);
}

}  // namespace strata
