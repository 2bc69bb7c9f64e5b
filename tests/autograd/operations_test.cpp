// What single operations give and refuse, beside their gradients.
#include "strata/autograd/operations.hpp"

#include <catch2/catch.hpp>
#include <limits>

using namespace strata;

TEST_CASE("A number stands on either side of an operator") {
  Tape<double> tape;
  const auto x = tape.variable({1, 4});
  const auto check = [&](Var<double> y, const Tensor<double>& value, const Tensor<double>& slope) {
    CHECK((y.value() == value));
    tape.backward(sum(y));
    CHECK((x.grad() == slope));
  };
  check(3 + x, {4, 7}, {1, 1});
  check(x + 3, {4, 7}, {1, 1});
  check(3 - x, {2, -1}, {-1, -1});
  check(x - 3, {-2, 1}, {1, 1});
  check(3 * x, {3, 12}, {3, 3});
  check(x * 3, {3, 12}, {3, 3});
  check(3 / x, {3, 0.75}, {-3, -0.1875});
  check(x / 4, {0.25, 1}, {0.25, 0.25});
}

TEST_CASE("maximum and minimum choose element by element") {
  Tape<double> tape;
  const auto a = tape.variable({1, 4}), b = tape.variable({3, 2});
  CHECK((maximum(a, b).value() == Tensor<double>{3, 4}));
  CHECK((minimum(a, b).value() == Tensor<double>{1, 2}));
}

TEST_CASE("max and min share their gradient among ties") {
  Tape<double> tape;
  const auto x = tape.variable({{1, 3, 3}, {2, 2, 2}});
  tape.backward(sum(max(x, {-1})));
  CHECK((x.grad() == Tensor<double>{{0, 0.5, 0.5}, {1.0 / 3, 1.0 / 3, 1.0 / 3}}));
  const auto smallest = min(x, {0, 1});
  CHECK(smallest.value()() == 1);
  tape.backward(smallest);
  CHECK((x.grad() == Tensor<double>{{1, 0, 0}, {0, 0, 0}}));
  CHECK_THROWS_WITH(max(tape.constant(xt::zeros<double>({2, 0})), {1}),
                    "[max] the tensor is empty: its shape is (2, 0)");
  CHECK(argmax(x) == std::vector<std::size_t>{1, 0});
  CHECK(argmin(x) == std::vector<std::size_t>{0, 0});
}

TEMPLATE_TEST_CASE("logsumexp of nothing but -inf is -inf, with a gradient of 0", "", float, double) {
  constexpr auto inf = std::numeric_limits<TestType>::infinity();
  Tape<TestType> tape;
  const auto x = tape.variable({{-inf, -inf}, {0, -inf}});
  const auto y = logsumexp(x);
  CHECK(y.value()(0) == -inf);
  tape.backward(y, {1, 1});
  CHECK((x.grad() == Tensor<TestType>{{0, 0}, {1, 0}}));
  CHECK((log_softmax(x).value()(1, 1)) == -inf);
}

TEST_CASE("cumsum adds up along its axis") {
  Tape<double> tape;
  const auto x = tape.variable({{1, 2, 3}, {4, 5, 6}});
  CHECK((cumsum(x).value() == Tensor<double>{{1, 3, 6}, {4, 9, 15}}));
  CHECK((cumsum(x, 0).value() == Tensor<double>{{1, 2, 3}, {5, 7, 9}}));
}

TEST_CASE("where selects by a constant mask and refuses another") {
  Tape<double> tape;
  const auto x = tape.variable({1, 2}), mask = tape.constant({1, 0});
  const auto y = where(mask, x, tape.constant({5, 6}));
  CHECK((y.value() == Tensor<double>{1, 6}));
  CHECK_THROWS_WITH(where(x, x, x),
                    "[where] no gradient flows into the mask: give it by stop_gradient(mask)");
}

TEST_CASE("reshape takes sizes of any integer type, and refuses what is ambiguous") {
  Tape<double> tape;
  const auto x = tape.constant(xt::zeros<double>({4, 6})), empty = tape.constant(xt::zeros<double>({0, 6}));
  const std::size_t rows = 8;
  CHECK(reshape(x, {rows, 3}).shape() == Shape{8, 3});
  CHECK(reshape(x, {-1, 3}).shape() == Shape{8, 3});
  CHECK(reshape(x, Shape{2, 12}).shape() == Shape{2, 12});
  CHECK(reshape(empty, {3, 0}).shape() == Shape{3, 0});
  CHECK(unsqueeze(x, 1).shape() == Shape{4, 1, 6});
  CHECK(unsqueeze(x, -1).shape() == Shape{4, 6, 1});
  CHECK(unsqueeze(x, 1, 5).shape() == Shape{4, 5, 6});
  CHECK(unsqueeze(x, -1, 0).shape() == Shape{4, 6, 0});
  CHECK_THROWS_WITH(reshape(empty, {0, -1}), Catch::Matchers::Contains("the size -1 beside a size of 0"));
  CHECK_THROWS_WITH(reshape(x, {-1, 5}), Catch::Matchers::Contains("does not fit"));
  CHECK_THROWS_WITH(reshape(x, {-1, -1}), Catch::Matchers::Contains("does not fit"));
}

TEST_CASE("Labels become unit vectors, and what is no label is refused") {
  Tape<double> tape;
  const auto y = one_hot(tape.constant({{2, 0}, {1, 1}}), 3);
  CHECK((y.value() == Tensor<double>{{{0, 0, 1}, {1, 0, 0}}, {{0, 1, 0}, {0, 1, 0}}}));
  CHECK(!y.needs_grad());
  for (const double wrong : {3.0, -1.0, 0.5, 1e300, std::nan("")})
    CHECK_THROWS_WITH(one_hot(tape.constant({{2, 0}, {1, wrong}}), 3),
                      Catch::Matchers::Contains("[one_hot] x is ") &&
                          Catch::Matchers::Contains(" at (1, 1), none of 3 classes"));
  CHECK_THROWS_WITH(one_hot(tape.variable({1}), 2), Catch::Matchers::Contains("stop_gradient"));
}

TEST_CASE("batch_norm returns what it normalised by") {
  Tape<double> tape;
  const auto x = tape.variable({{1, 10}, {3, 10}}), one = tape.constant({1, 1}), zero = tape.constant({0, 0});
  const auto [y, mean, variance] = batch_norm(x, one, zero, 1);
  CHECK((mean.value() == Tensor<double>{2, 10}));
  CHECK((variance.value() == Tensor<double>{1, 0}));
  CHECK(y.value()(0, 0) == Approx(-std::sqrt(0.5)));
  CHECK(!mean.needs_grad());
  tape.backward(sum(square(y)));  // of a constant column, too
  CHECK(xt::all(xt::isfinite(x.grad())));
  CHECK((xt::view(x.grad(), xt::all(), 1) == Tensor<double>{0, 0}));
  for (const double wrong : {0.0, -1.0, std::nan("")})
    CHECK_THROWS_WITH(batch_norm(x, one, zero, wrong), Catch::Matchers::Contains("[batch_norm] epsilon is "));
}

TEST_CASE("Factorisations name what they cannot take") {
  Tape<double> tape;
  const auto a = tape.constant({{1, 0}, {0, -1}}), b = tape.constant({{1, 2, 3}});
  CHECK_THROWS_WITH(cholesky(a), "[cholesky] the matrix is not positive definite");
  CHECK_THROWS_WITH(cholesky(b), Catch::Matchers::Contains("needs square matrices (..., N, N)"));
  CHECK_THROWS_WITH(triangular_solve(a, b), Catch::Matchers::Contains("(2, 2) and (1, 3)"));
  CHECK_THROWS_WITH(
      matmul(tape.constant(xt::zeros<double>({2, 3, 4})), tape.constant(xt::zeros<double>({3, 4, 2}))),
      "[matmul] needs two matrices, or as many of each: a is (2, 3, 4), b is (3, 4, 2)");
  CHECK_THROWS_WITH(strictly_lower(tape.constant({1, 2})), Catch::Matchers::Contains("L (L - 1) / 2"));
}

TEST_CASE("The gradient of a noise that needs one is not lost") {
  Tape<double> tape;
  const auto lower = tape.constant(Tensor<double>(Shape{1, 1}, 2.0)), epsilon = tape.variable({{1, 3}});
  tape.backward(sum(strict_lower_product(lower, epsilon)));
  CHECK((epsilon.grad() == Tensor<double>{{2, 0}}));
}

TEST_CASE("A wrong shape, axis, range or row is told with the facts") {
  Tape<double> tape;
  const auto x = tape.constant(xt::zeros<double>({3, 4})), scalar = tape.constant(Tensor<double>(2.0));
  CHECK_THROWS_WITH(concatenate({x, tape.constant(xt::zeros<double>({3, 4, 1}))}, 0),
                    "[concatenate] shapes differ beside axis 0: (3, 4), (3, 4, 1)");
  CHECK_THROWS_WITH(slice(x, 1, 2, 5), "[slice] 2 ... 5 is no range of axis 1 of a tensor of shape (3, 4)");
  CHECK_THROWS_WITH(gather_rows(x, {0, 3}),
                    "[gather_rows] row 3 is out of range for a tensor of shape (3, 4)");
  CHECK_THROWS_WITH(gather_rows(scalar, {}), "[gather_rows] a tensor of rank 0 has no rows");
  CHECK_THROWS_WITH(broadcast(x, {4, 3}), "[broadcast] (3, 4) does not broadcast to (4, 3)");
  CHECK_THROWS_WITH(repeat_rows(x, 0), "[repeat_rows] cannot repeat (3, 4) 0 times");
  CHECK_THROWS_WITH(sum(x, {2}), "[sum] axis 2 is out of range for a tensor of shape (3, 4)");
  CHECK_THROWS_WITH(transpose(x, Axes{0}), "[transpose] 1 axes are given for a tensor of shape (3, 4)");
  CHECK_THROWS_WITH(reparameterize(x, x, scalar), "[reparameterize] shapes differ: (3, 4), (3, 4), ()");
}
