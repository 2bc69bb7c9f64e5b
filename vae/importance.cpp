#include "strata/vae/importance.hpp"

#include <algorithm>
#include <iomanip>
#include <numeric>
#include <sstream>

#include "strata/autograd/non_finite.hpp"

namespace strata {
namespace {

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

// b k^−c for the last count k of NLL_K = NLL_∞ + b K^−c
double extrapolate(const std::vector<std::pair<std::size_t, double>>& nll) {
  constexpr double slowest = 0.25;
  if (nll.size() < 2) return std::numeric_limits<double>::quiet_NaN();
  const auto [k, last] = nll.back();
  const auto [before, earlier] = nll[nll.size() - 2];
  const double fall = earlier - last;
  if (!(fall > 0)) return 0;
  const auto ratio = [k = static_cast<double>(k)](std::size_t count, double c) {
    return std::pow(k / static_cast<double>(count), c) - 1;  // (count^−c − k^−c) / k^−c
  };
  double c = 0.5;
  if (nll.size() > 2) {  // the whole fall over the last one grows with c
    const auto [first, earliest] = nll[nll.size() - 3];
    double low = slowest, high = 1;
    for (int halving = 0; halving < 50; ++halving) {
      c = (low + high) / 2;
      (ratio(first, c) / ratio(before, c) < (earliest - last) / fall ? low : high) = c;
    }
  }
  return fall / ratio(before, c);
}

std::string text(double x) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(x < 10 ? 2 : 0) << x;
  return out.str();
}

}  // namespace

double LikelihoodEstimate::standard_error() const {
  return std::sqrt(std::max(0.0, 1 / effective_samples - 1 / static_cast<double>(samples)));
}

MeanAndError mean_and_error(const std::vector<double>& values) {
  if (values.empty()) fail("mean_and_error", "there are no values");
  const auto count = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {mean, std::sqrt(squares / (count - 1) / count)};
}

std::vector<std::size_t> convergence_counts(std::size_t samples) {
  std::vector<std::size_t> counts;
  for (const std::size_t count : {100, 1000, 5000})
    if (count < samples) counts.push_back(count);
  counts.push_back(samples);
  return counts;
}

Convergence convergence(const std::vector<LikelihoodEstimate>& estimates,
                        const std::vector<std::size_t>& counts) {
  std::vector<double> effective, nll;
  for (const auto& estimate : estimates) {
    if (estimate.after.size() != counts.size())
      fail("convergence", "an estimate has " + std::to_string(estimate.after.size()) + " counts of " +
                              std::to_string(counts.size()));
    effective.push_back(estimate.effective_samples);
    nll.push_back(-estimate.log_likelihood);
  }
  Convergence result{{}, 0, 0, 0, 0, ""};
  const double error = mean_and_error(nll).standard_error;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    double sum = 0;
    for (const auto& estimate : estimates) sum -= estimate.after[i];
    result.nll.emplace_back(counts[i], sum / static_cast<double>(estimates.size()));
  }
  result.median_effective = median(effective);
  result.smallest_effective = *std::min_element(effective.begin(), effective.end());
  result.below_ten = static_cast<std::size_t>(
      std::count_if(effective.begin(), effective.end(), [](double size) { return size < 10; }));
  result.extrapolated_bias = extrapolate(result.nll);
  const double enough = std::min(100.0, static_cast<double>(counts.back()) / 2);
  const double fall = counts.size() < 2 ? 0 : result.nll[counts.size() - 2].second - result.nll.back().second;
  const auto doubt = [&](const std::string& why) {
    result.doubt += (result.doubt.empty() ? "" : "; ") + why;
  };
  if (!(result.median_effective >= enough))
    doubt("the median effective sample size is " + text(result.median_effective) + ", below " + text(enough));
  if (fall > error)
    doubt("it fell by " + text(fall) + " between " + std::to_string(counts[counts.size() - 2]) + " and " +
          std::to_string(counts.back()) + " draws, by more than the standard error");
  if (result.extrapolated_bias > error)
    doubt("the extrapolated bias, " + text(result.extrapolated_bias) + ", is above the standard error");
  return result;
}

namespace detail {

void WeightSum::add(double v) {
  ++count_;
  if (!(v < std::numeric_limits<double>::infinity()))
    throw NonFinite("[importance] the logarithm of weight " + std::to_string(count_) + " is " +
                    (std::isnan(v) ? "NaN" : "∞"));
  if (v > largest_) {
    const double shrink = std::exp(largest_ - v);
    sum_ = sum_ * shrink + 1;
    squares_ = squares_ * shrink * shrink + 1;
    largest_ = v;
  } else if (v != -std::numeric_limits<double>::infinity()) {
    const double weight = std::exp(v - largest_);
    sum_ += weight;
    squares_ += weight * weight;
  }
  for (const std::size_t count : counts_)
    if (count == count_) after_.push_back(log_mean());
}

LikelihoodEstimate WeightSum::estimate() const {
  return {log_mean(), sum_ > 0 ? sum_ * sum_ / squares_ : 0, count_, after_};
}

}  // namespace detail
}  // namespace strata
