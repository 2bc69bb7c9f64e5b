#include "strata/tensor/tensor.hpp"

#include <catch2/catch.hpp>

using namespace strata;

TEST_CASE("xtensor keeps the rank of evaluated expressions and of immediate reductions under C++20") {
  const Tensor<double> x = {{1, 2, 3}, {4, 5, 6}};
  CHECK(xt::eval(x + x).dimension() == 2);
  const auto column_sums = xt::sum(x, {0}, xt::evaluation_strategy::immediate);
  REQUIRE(column_sums.dimension() == 1);
  CHECK(column_sums(2) == 9);
}

TEST_CASE("A shape prints as error messages show it") {
  CHECK(to_string(Shape{}) == "()");
  CHECK(to_string(Shape{64, 784}) == "(64, 784)");
  CHECK(element_count(Shape{}) == 1);
  CHECK(element_count(Shape{3, 0}) == 0);
}

TEST_CASE("fail names the operation") { CHECK_THROWS_WITH(fail("matmul", "a is (1)"), "[matmul] a is (1)"); }
