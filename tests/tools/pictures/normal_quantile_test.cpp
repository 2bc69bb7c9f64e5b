#include "tools/pictures/normal_quantile.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <numbers>
#include <stdexcept>

using strata::normal_quantile;

namespace {

double relative_error(double value, double expected) { return std::abs(value / expected - 1); }

// P(N(0, 1) < x), accurate in the lower tail.
double probability_below(double x) { return std::erfc(-x / std::numbers::sqrt2) / 2; }

}  // namespace

TEST_CASE("Quantiles of the normal distribution have their known values") {
  // From an evaluation with 40 decimals.
  const auto [p, x] = GENERATE(table<double, double>({{1e-300, -37.047096299361199236},
                                                      {1e-50, -14.933337534788488980},
                                                      {1e-10, -6.3613409024040561991},
                                                      {0.001, -3.0902323061678135353},
                                                      {0.3, -0.5244005127080408159},
                                                      {0.5001, 0.00025066283008800749},
                                                      {0.75, 0.67448975019608174320},
                                                      {0.9, 1.28155156554460059348},
                                                      {0.975, 1.95996398454005385560},
                                                      {1 - 0x1p-53, 8.20953615160138685563}}));
  INFO("p = " << p);
  CHECK(relative_error(normal_quantile(p), x) < 1e-15);
}

TEST_CASE("The normal distribution function undoes its quantile") {
  for (double exponent = -300; exponent < -0.31; exponent += 0.37) {
    const double p = std::pow(10, exponent), x = normal_quantile(p);
    INFO("p = " << p);
    // A last digit of x is x² last digits of p.
    CHECK(relative_error(probability_below(x), p) < 1e-15 * (2 + x * x));
  }
  for (int i = 1; i < 1000; ++i) {
    INFO("p = " << i << " / 1000");
    CHECK(std::abs(probability_below(normal_quantile(i / 1000.0)) - i / 1000.0) < 3e-16);
  }
}

TEST_CASE("The normal quantile is odd around one half and rises") {
  CHECK(normal_quantile(0.5) == 0);
  for (double p = 0.25; p >= 0x1p-53; p /= 2) {  // 1 − p and 1/2 ± p are exact
    CHECK(normal_quantile(1 - p) == -normal_quantile(p));
    CHECK(normal_quantile(0.5 + p) == -normal_quantile(0.5 - p));
  }
  double last = normal_quantile(1e-4);
  for (int i = 2; i < 10'000; ++i) {
    const double x = normal_quantile(i * 1e-4);
    CHECK(x > last);
    last = x;
  }
}

TEST_CASE("The normal quantile stays close where p is subnormal") {
  CHECK(relative_error(normal_quantile(std::numeric_limits<double>::denorm_min()), -38.467405617144346) <
        2e-5);
  CHECK(relative_error(normal_quantile(1e-310), -37.663060331949532) < 2e-5);
}

TEST_CASE("The normal quantile rejects what is no probability between 0 and 1") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double p : {0.0, 1.0, -0.25, 1.5, nan})
    CHECK_THROWS_AS(normal_quantile(p), std::invalid_argument);
  CHECK_THROWS_WITH(normal_quantile(1.5), "[normal_quantile] p is 1.5; it must lie strictly between 0 and 1");
}
