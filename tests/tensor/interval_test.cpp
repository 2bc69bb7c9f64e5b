#include "strata/tensor/interval.hpp"

#include <catch2/catch.hpp>
#include <cmath>

using namespace strata;

TEST_CASE("The first element outside an interval is told with its place") {
  const Tensor<float> x{{0, 1, 0.5f}, {0.25f, 255, -3}};
  require_within("here", "x", x, real_numbers);
  CHECK_THROWS_WITH(require_within("here", "x", x, unit_interval),
                    "[here] x is 255 at (1, 1); it must lie in [0, 1]");
  CHECK_THROWS_WITH(require_within("here", "p", Tensor<double>{0, -0.42}, unit_interval),
                    "[here] p is -0.42 at (1); it must lie in [0, 1]");
  CHECK_THROWS_WITH(require_within("here", "p", Tensor<double>(-1e-320), unit_interval),
                    Catch::Matchers::Contains("at ()"));
  require_within("here", "nothing", Tensor<double>(Shape{0, 3}), unit_interval);
}

TEST_CASE("NaN and infinities lie in no interval") {
  for (const double sign : {1.0, -1.0}) {
    CHECK(!real_numbers.contains(sign * INFINITY));
    CHECK_THROWS_WITH(require_within("here", "x", Tensor<double>{1, sign * NAN}, real_numbers),
                      "[here] x is nan at (1); it must be finite");
  }
}
