// What importance weights say of a likelihood, and how far they can be believed.
#pragma once

#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "strata/tensor/group.hpp"

namespace strata {

/// An estimate of one image's ln p(x) from K weights w_k whose mean is p(x), in nats.
struct LikelihoodEstimate {
  double log_likelihood;      ///< ln 1/K Σ w_k: in expectation a lower bound of ln p(x), rising with K
  double effective_samples;   ///< (Σ w)² / Σ w²: K for equal weights, 1 where one holds all (Kong 1992)
  std::size_t samples;        ///< K
  std::vector<double> after;  ///< the same bound of the first so many weights, for each count asked for

  /// √(1/ESS − 1/K): the deviation of log_likelihood to first order in that of the mean weight. Itself an
  /// estimate from these weights: where few of them count, it is far too small.
  double standard_error() const;

  /// Calls f with each number that depends on the image.
  static void numbers(auto& self, auto&& f) {
    f(self.log_likelihood);
    f(self.effective_samples);
    for (double& bound : self.after) f(bound);
  }
};

/// A mean with its standard error, √(sample variance / N).
struct MeanAndError {
  double mean, standard_error;
};

/// Both, of at least one value; the error of a single one is not defined, and NaN. Throws for none.
MeanAndError mean_and_error(const std::vector<double>& values);

/// Whether the mean of many images' estimates is their NLL, or a bound that still falls with the number of
/// draws.
struct Convergence {
  std::vector<std::pair<std::size_t, double>> nll;  ///< with the first so many draws, of the counts ≤ K
  double median_effective, smallest_effective;      ///< of the images' effective sample sizes
  std::size_t below_ten;                            ///< images whose effective sample size is below 10
  double extrapolated_bias;  ///< how far `nll` would still fall with ever more draws; NaN for one count
  std::string doubt;         ///< why the figure is a bound that has not converged; or empty

  bool converged() const { return doubt.empty(); }
};

/// Judges estimates that all were made `after` these counts, the last of which is their K.
///
/// The bias is extrapolated by NLL_K = NLL_∞ + b K^−c through the last three counts, c ∈ [¼, 1]: c = 1 is
/// the law of weights of finite variance (Nowozin 2018), smaller c that of heavy tails; c = ½ for two counts.
/// Over few images it is as uncertain as the falls themselves, and where the posterior has parts that no draw
/// has reached it sees nothing of them: it warns, and corrects nothing.
///
/// The figure is doubted where the median effective sample size is below 100 (or K/2, if that is less), and
/// where the fall between the last two counts or the extrapolated bias is above the standard error over
/// images.
Convergence convergence(const std::vector<LikelihoodEstimate>& estimates,
                        const std::vector<std::size_t>& counts);

/// The counts that convergence is judged by: 100, 1,000 and 5,000 as far as they are below K, and K.
std::vector<std::size_t> convergence_counts(std::size_t samples);

/// estimate(n) of the images n = 0 ... count − 1, which a group's processes take in turns: afterwards all
/// have all of them. on_image(images done) is called after each. An estimate lists its `numbers`.
template <class F> auto estimate_each(std::size_t count, Group* group,
                                      const std::function<void(std::size_t)>& on_image, F estimate) {
  const std::size_t size = group ? group->size() : 1;
  std::vector<decltype(estimate(count))> own, all;
  for (std::size_t image = group ? group->rank() : 0; image < count; image += size) {
    own.push_back(estimate(image));
    if (on_image) on_image(image + 1);
  }
  if (!group || count == 0) return own;
  auto none = own.empty() ? estimate(0) : own.front();  // of the same form
  none.numbers(none, [](double& x) { x = 0; });
  all.assign(count, none);
  for (std::size_t i = 0; i < own.size(); ++i) all[group->rank() + i * size] = own[i];
  std::vector<double> numbers;
  for (auto& one : all) one.numbers(one, [&](double& x) { numbers.push_back(x); });
  group->sum(numbers);
  auto next = numbers.begin();
  for (auto& one : all) one.numbers(one, [&](double& x) { x = *next++; });
  return all;
}

namespace detail {

/// Weights by their logarithms, over any number of additions.
class WeightSum {
 public:
  /// The bound is noted after each of these counts.
  explicit WeightSum(std::vector<std::size_t> counts = {}) : counts_(std::move(counts)) {}

  /// Adds e^v; nothing for v = −∞. Throws NonFinite for NaN and ∞.
  void add(double v);
  /// Of at least one addition.
  LikelihoodEstimate estimate() const;

 private:
  double log_mean() const { return largest_ + std::log(sum_ / static_cast<double>(count_)); }

  std::vector<std::size_t> counts_;
  std::vector<double> after_;
  std::size_t count_ = 0;
  double largest_ = -std::numeric_limits<double>::infinity();
  double sum_ = 0, squares_ = 0;  // of e^(v − largest), and of its square
};

}  // namespace detail
}  // namespace strata
