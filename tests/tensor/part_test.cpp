#include "strata/tensor/part.hpp"

#include <catch2/catch.hpp>

using namespace strata;

TEST_CASE("Parts of tensors are copied and added run by run") {
  const Tensor<double> x = {{1, 2, 3}, {4, 5, 6}};
  Tensor<double> y = xt::zeros<double>({2, 2});
  copy(x, part_along(x.shape(), 1, 1, 3), y, part_along(y.shape(), 1, 0, 2));
  CHECK((y == Tensor<double>{{2, 3}, {5, 6}}));
  copy(x, part_along(x.shape(), 0, 1, 2), y, Part{0, 0, 3, 1}, Update::add);
  CHECK((y == Tensor<double>{{6, 8}, {11, 6}}));
  const Part rows = part_along({4, 3, 2}, 1, 1, 2);
  CHECK(rows.first == 2);
  CHECK(rows.step == 6);
  CHECK(rows.count == 2);
  CHECK(rows.runs == 4);
}
