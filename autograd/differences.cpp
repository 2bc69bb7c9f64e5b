#include "strata/autograd/differences.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace strata::detail {
namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();

using Vector = Tensor<double>;
using Curve = std::function<Vector(double)>;
using Settled = std::function<bool(std::size_t, const Slope&)>;

// A factor of 2 rounds least where two steps suffice; from then on it is a kink or an edge that is fled from.
double next_step(double h, double first) { return h == first ? h / 2 : h / 8; }

// The tables of some outputs, from this step on, as long as one is neither settled nor hopeless.
void refine(std::vector<RiddersTable>& tables, std::vector<std::size_t> outputs, const Curve& y,
            const Vector& middle, double step, int limit, const Settled& settled) {
  for (double h = step; limit-- > 0 && !outputs.empty(); h = next_step(h, step)) {
    const Vector above = y(h), below = y(-h);
    std::erase_if(outputs, [&](std::size_t i) {
      tables[i].add(h, below.data()[i], middle.data()[i], above.data()[i]);
      return !tables[i].is_promising() || settled(i, tables[i].slope());
    });
  }
}

}  // namespace

void RiddersTable::add(double h, double below, double middle, double above) {
  const double left = (middle - below) / h, right = (above - middle) / h;
  const double difference = (above - below) / (2 * h), bend = right - left;
  slope_.smallest_step = h;
  if (!std::isfinite(difference) || !std::isfinite(bend)) {
    size_ = 0;
    return;
  }
  constexpr double roundings = 4;  // of f, which computes in several steps
  const double rounding =
      roundings * epsilon * std::max({magnitude_, std::abs(below), std::abs(middle), std::abs(above)}) / h;
  const double disagreement = size_ > 0 ? std::abs(steps_[size_ - 1] / h * bend - bend_) : 0;
  const bool bent = disagreement > 32 * rounding;
  const bool kink = bent && disagreement > 0.5 * std::abs(bend_) &&
                    disagreement > 1e-6 * std::max(std::abs(left), std::abs(right));
  bool better = false;
  double older = row_[0];  // of the last step, extrapolated as often as row_[j - 1]
  row_[0] = difference;
  for (std::size_t j = 1; j <= size_; ++j) {
    const double ratio = steps_[size_ - j] / h;
    const double extrapolated = row_[j - 1] + (row_[j - 1] - older) / (ratio * ratio - 1);
    const double error = std::max({std::abs(extrapolated - row_[j - 1]), std::abs(extrapolated - older) / 4,
                                   rounding, bent ? disagreement / 2 : 0});
    older = std::exchange(row_[j], extrapolated);
    if (!(error < slope_.error)) continue;
    better = true;
    slope_.value = extrapolated;
    slope_.error = error;
    slope_.left = left;
    slope_.right = right;
    slope_.kink = kink;
  }
  slope_.met_kink = slope_.met_kink || kink;
  bend_ = bend;
  steps_[size_++] = h;
  const bool drowned = slope_.error < 8 * rounding;  // smaller steps round more
  stale_ = better ? 0 : stale_ + 1;
  promising_ = size_ < levels && !drowned && (stale_ < 2 || bent);
}

std::vector<Slope> slopes(const Curve& y, const Vector& middle, const Vector& magnitude, double step,
                          const Settled& settled) {
  std::vector<std::size_t> outputs(middle.size());
  std::iota(outputs.begin(), outputs.end(), std::size_t{0});
  std::vector<RiddersTable> narrow(magnitude.begin(), magnitude.end());
  refine(narrow, outputs, y, middle, step, 16, settled);
  std::vector<Slope> best;
  for (const RiddersTable& table : narrow) best.push_back(table.slope());
  std::erase_if(outputs, [&](std::size_t i) {
    return settled(i, best[i]) || best[i].kink || std::isinf(best[i].error);
  });
  if (outputs.empty()) return best;
  std::vector<RiddersTable> wide(magnitude.begin(), magnitude.end());
  refine(wide, outputs, y, middle, 300 * step, 5, settled);
  for (const std::size_t i : outputs) {
    const Slope before = best[i], &after = wide[i].slope();
    // Wide steps are less noisy, but f may be another function so far away.
    const bool consistent = std::abs(after.value - before.value) <= 4 * (after.error + before.error);
    if (!consistent || !(after.error < before.error)) continue;
    best[i] = after;
    best[i].met_kink = before.met_kink;
    best[i].smallest_step = before.smallest_step;
  }
  return best;
}

}  // namespace strata::detail
