#include "strata/vae/importance.hpp"

#include <catch2/catch.hpp>
#include <cmath>

using namespace strata;
using Catch::Matchers::Contains;

namespace {

LikelihoodEstimate estimate_of(const std::vector<double>& log_weights, std::vector<std::size_t> counts = {}) {
  detail::WeightSum sum(std::move(counts));
  for (const double w : log_weights) sum.add(w);
  return sum.estimate();
}

// Estimates of 20 images around −100 whose bounds fall as given, each 0.1 apart.
std::vector<LikelihoodEstimate> falling(const std::vector<double>& nll, double effective) {
  std::vector<LikelihoodEstimate> estimates;
  for (int image = 0; image < 20; ++image) {
    LikelihoodEstimate one{0, effective, 5000, {}};
    for (const double value : nll) one.after.push_back(-value + 0.1 * (image - 9.5));
    one.log_likelihood = one.after.back();
    estimates.push_back(one);
  }
  return estimates;
}

}  // namespace

TEST_CASE("Effective sample sizes are (Σ w)² / Σ w², whatever the weights' scale and order") {
  const auto equal = estimate_of({-800, -800, -800, -800});
  CHECK(equal.effective_samples == Approx(4));
  CHECK(equal.log_likelihood == Approx(-800));
  CHECK(equal.standard_error() == 0);
  for (const double scale : {-1e5, 0.0, 1e5}) {
    const double a = scale, b = scale + std::log(3);
    for (const auto& weights : {std::vector{a, b}, std::vector{b, a}}) {
      const auto two = estimate_of(weights);
      CHECK(two.log_likelihood == Approx(scale + std::log(2)));
      CHECK(two.effective_samples == Approx(16.0 / 10));
      CHECK(two.standard_error() == Approx(std::sqrt(10.0 / 16 - 0.5)));  // √(Var w / K) / mean w
    }
  }
  const double nothing = -std::numeric_limits<double>::infinity();
  const auto one = estimate_of({nothing, -5, nothing});
  CHECK(one.effective_samples == 1);
  CHECK(one.samples == 3);
  CHECK(one.log_likelihood == Approx(-5 - std::log(3)));
  CHECK(estimate_of({nothing}).log_likelihood == nothing);
  CHECK_THROWS_WITH(estimate_of({-3, std::nanf(""), -3}), "[importance] the logarithm of weight 2 is NaN");
  CHECK_THROWS_WITH(estimate_of({-3, -nothing}), "[importance] the logarithm of weight 2 is ∞");
}

TEST_CASE("A bound is noted after each count of draws") {
  const auto estimate = estimate_of({0, std::log(3), std::log(8)}, {1, 2, 3});
  REQUIRE(estimate.after.size() == 3);
  CHECK(estimate.after[0] == 0);
  CHECK(estimate.after[1] == Approx(std::log(2)));
  CHECK(estimate.after[2] == estimate.log_likelihood);
  CHECK(convergence_counts(5000) == std::vector<std::size_t>{100, 1000, 5000});
  CHECK(convergence_counts(20000) == std::vector<std::size_t>{100, 1000, 5000, 20000});
  CHECK(convergence_counts(50) == std::vector<std::size_t>{50});
}

TEST_CASE("An NLL that still falls, or rests on a few draws, is told as a bound") {
  const std::vector<std::size_t> counts = {100, 1000, 5000};
  const auto law = [](double c) {
    return std::vector{100 + 3 * std::pow(100, -c), 100 + 3 * std::pow(1000, -c),
                       100 + 3 * std::pow(5000, -c)};
  };
  for (const double c : {0.3, 0.5, 0.9}) {
    const auto found = convergence(falling(law(c), 1000), counts);
    CHECK(found.extrapolated_bias == Approx(3 * std::pow(5000, -c)).epsilon(1e-6));
    CHECK(found.nll.back().second == Approx(law(c).back()));
  }
  const auto good = convergence(falling({100.01, 100.001, 100}, 400), counts);  // ± 0.13
  CHECK(good.converged());
  CHECK(good.median_effective == 400);
  CHECK(good.below_ten == 0);
  CHECK(convergence(falling({100, 100.01, 100.02}, 400), counts).extrapolated_bias == 0);  // none is seen

  CHECK_THAT(convergence(falling({100.01, 100.001, 100}, 99), counts).doubt,
             Contains("the median effective sample size is 99, below 100"));
  CHECK_THAT(convergence(falling({101, 100.5, 100}, 400), counts).doubt,
             Contains("it fell by 0.50 between 1000 and 5000 draws, by more than the standard error"));
  CHECK_THAT(convergence(falling({100.22, 100.11, 100}, 400), counts).doubt,
             Contains("the extrapolated bias, 0.22, is above the standard error") && !Contains("fell"));
  CHECK(convergence(falling({100}, 49), {98}).converged());
  CHECK(convergence(falling({100}, 9), {98}).below_ten == 20);
  CHECK_FALSE(convergence(falling({100}, 40), {98}).converged());
  CHECK(std::isnan(convergence(falling({100}, 40), {98}).extrapolated_bias));
  CHECK_THROWS_WITH(convergence(falling({100}, 40), counts), "[convergence] an estimate has 1 counts of 3");

  // Of a single image the standard error is not known: only its effective sample size speaks.
  auto one = falling(law(0.3), 400);
  one.resize(1);
  CHECK(convergence(one, counts).converged());
}
