#include "strata/vae/disentanglement.hpp"

#include <catch2/catch.hpp>
#include <cmath>

using namespace strata;

namespace {

constexpr std::size_t count = 12;  // every pair of v_0 in {0, 1, 2} and v_1 in {0, 1, 2, 3} once

Tensor<std::uint32_t> all_factors() {
  Tensor<std::uint32_t> v(Shape{count, 2});
  for (std::uint32_t n = 0; n < count; ++n) v(n, 0) = n % 3, v(n, 1) = n / 3;
  return v;
}

// Codes of these functions of the factors.
template <class... F> Tensor<double> codes(F... of) {
  const auto v = all_factors();
  Tensor<double> z(Shape{count, sizeof...(F)});
  for (std::size_t n = 0; n < count; ++n) {
    std::size_t j = 0;
    ((z(n, j++) = of(double(v(n, 0)), double(v(n, 1)))), ...);
  }
  return z;
}

const auto first = [](double a, double) { return 3 - 2 * a; };
const auto second = [](double, double b) { return std::exp(b); };
const auto nothing = [](double, double) { return 1.5; };

}  // namespace

TEST_CASE("The gap is 1 where each factor has a component of its own, in any order and scale") {
  CHECK(mutual_information_gap(codes(first, second), all_factors()) == Approx(1));
  CHECK(mutual_information_gap(codes(nothing, second, first), all_factors()) == Approx(1));
}

TEST_CASE("A factor that two components tell alike, or none tells, adds 0") {
  CHECK(mutual_information_gap(codes(first, first, second), all_factors()) == Approx(0.5));
  CHECK(mutual_information_gap(codes(second, nothing), all_factors()) == Approx(0.5));
  CHECK(mutual_information_gap(codes(nothing), all_factors()) == Approx(0).margin(1e-12));
}

TEST_CASE("What a component tells in part counts in part") {
  // Whether v_0 is 0 has ln 3 − 2/3 ln 2 nats of v_0's ln 3; the other component has them all.
  const auto part = [](double a, double) { return a == 0 ? 1.0 : 0.0; };
  const double told = std::log(3) - 2.0 / 3 * std::log(2);
  CHECK(mutual_information_gap(codes(part, second), all_factors()) == Approx((told / std::log(3) + 1) / 2));
  CHECK(mutual_information_gap(codes(part, first), all_factors()) == Approx((1 - told / std::log(3)) / 2));
}

TEST_CASE("Values that share one of 20 bins are told as one, and factors that do not vary are refused") {
  const auto near = [](double a, double b) { return b == 3 ? 100.0 : a; };  // b tells, a is lost
  const double told = 0.75 * std::log(4.0 / 3) + 0.25 * std::log(4);
  CHECK(mutual_information_gap(codes(near), all_factors()) == Approx(told / std::log(4) / 2));
  Tensor<std::uint32_t> flat = all_factors();
  xt::view(flat, xt::all(), 1) = 7u;
  CHECK_THROWS_WITH(mutual_information_gap(codes(first), flat),
                    "[mutual_information_gap] factor 1 does not vary");
  CHECK_THROWS_WITH(mutual_information_gap(Tensor<double>(Shape{3, 2}, 0.0), flat),
                    "[mutual_information_gap] the codes are (3, 2), the factors (12, 2)");
  Tensor<double> infinite(Shape{12, 1}, 0.0);
  infinite(4, 0) = -INFINITY;
  CHECK_THROWS_WITH(mutual_information_gap(infinite, all_factors()),
                    "[mutual_information_gap] a code is -inf at (4, 0); it must be finite");
}
