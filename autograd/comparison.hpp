// One derivative as `backward` gives it beside the same from finite differences.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "strata/autograd/differences.hpp"

namespace strata::detail {

enum class Verdict { right, wrong, kink, undecided };

struct Comparison {
  double backward = 0;
  double largest = 0;  ///< derivative of the same output, or by the same input
  double zero = 0;     ///< what is nothing but rounding: 10⁻¹³ |y| / max(1, |x|)
  Slope slope = {};

  double size() const { return std::max(std::abs(backward), std::abs(slope.value)); }
  double difference() const { return std::abs(backward - slope.value); }

  // Of the finite differences, and of the sums in backward.
  double uncertainty() const {
    return 4 * slope.error + 64 * std::numeric_limits<double>::epsilon() * largest;
  }

  bool agrees(double tolerance) const {
    return std::isfinite(backward) && difference() <= tolerance * size() + uncertainty();
  }

  // A derivative wrong by 0.01 % shows.
  bool is_sharp(double tolerance) const {
    return difference() == 0 || uncertainty() <= std::max(5e-5, tolerance) * size();
  }

  // No other step could tell more.
  bool settled(double tolerance) const {
    if (std::isinf(slope.error) || slope.kink) return false;
    if (difference() > 100 * (tolerance * size() + uncertainty())) return true;  // wrong beyond doubt
    return agrees(tolerance) &&
           (difference() == 0 || uncertainty() <= tolerance * std::max(size(), 1e-3 * largest)) &&
           (is_sharp(tolerance) || std::abs(backward) <= zero);
  }

  Verdict verdict(double tolerance) const {
    if (!std::isfinite(backward)) return Verdict::wrong;
    if (std::isinf(slope.error)) return Verdict::undecided;
    if (slope.kink) return Verdict::kink;
    if (!agrees(tolerance)) return Verdict::wrong;
    const bool beside_nothing = uncertainty() <= 1e-3 * tolerance * largest ||
                                (std::abs(backward) <= zero && uncertainty() <= 1e4 * zero);
    return is_sharp(tolerance) || beside_nothing ? Verdict::right : Verdict::undecided;
  }

  // Relative; of derivatives that agree, to 0.001 of the largest if that is more.
  double error(double tolerance) const {
    if (difference() == 0) return 0;
    return difference() / (agrees(tolerance) ? std::max(size(), 1e-3 * largest) : size());
  }

  // What is not right about it.
  std::string explanation(double tolerance) const;
};

}  // namespace strata::detail
