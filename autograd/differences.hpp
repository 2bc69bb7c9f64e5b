// Derivatives from values alone, each with an estimate of its own error.
#pragma once

#include <array>
#include <functional>
#include <limits>
#include <vector>

#include "strata/tensor/tensor.hpp"

namespace strata::detail {

/// A derivative as finite differences give it.
struct Slope {
  double value = std::numeric_limits<double>::quiet_NaN();
  /// Estimated; infinite where no two steps were finite.
  double error = std::numeric_limits<double>::infinity();
  double left = 0, right = 0;  ///< the one-sided slopes of the same step
  bool kink = false;           ///< they disagree, and a smaller step did not mend it
  bool met_kink = false;       ///< they disagreed at one step at least
  double smallest_step = 0;    ///< that was tried
};

/// Ridders' table of one function (Ridders 1982): central differences D of shrinking steps, extrapolated to
/// h → 0 (Neville), of which the entry with the smallest estimated error counts. An error is the largest of
/// an entry's differences from its two parents (a quarter, of the older one), of rounding, and of the bend:
/// for a smooth function the one-sided slopes differ by h f″ + O(h³), so that r bend(h/r) − bend(h) vanishes;
/// at a kink within the step it does not.
class RiddersTable {
 public:
  /// `magnitude` is the least of the numbers that f computes with: their rounding is f's.
  explicit RiddersTable(double magnitude) : magnitude_(magnitude) {}

  /// f(−h), f(0) and f(h), of a step h smaller than the last. A step that is not finite is passed over, and
  /// the table starts anew.
  void add(double h, double below, double middle, double above);

  const Slope& slope() const { return slope_; }

  /// Whether a smaller step may give a better estimate.
  bool is_promising() const { return promising_; }

 private:
  static constexpr std::size_t levels = 7;

  double magnitude_;
  std::array<double, levels> steps_{};
  std::array<double, levels> row_{};  // of the last step: not extrapolated, once, twice, ...
  std::size_t size_ = 0;
  double bend_ = 0;
  int stale_ = 0;  // so many steps made nothing better
  bool promising_ = true;
  Slope slope_;
};

/// The derivatives at t = 0 of y(t), a vector, where y(0) = `middle`, computed from numbers of the size of
/// `magnitude` at least. Steps begin with `step` and shrink; where rounding spoils them they begin anew three
/// hundred times larger. settled(i, slope) says whether an estimate for y_i will do: most need the first two
/// steps only. A y that oscillates many times within the first step is not seen for what it is.
std::vector<Slope> slopes(const std::function<Tensor<double>(double t)>& y, const Tensor<double>& middle,
                          const Tensor<double>& magnitude, double step,
                          const std::function<bool(std::size_t i, const Slope&)>& settled);

}  // namespace strata::detail
