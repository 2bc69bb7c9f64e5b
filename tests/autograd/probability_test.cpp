// What densities and divergences refuse: parameters with rows of their own, data outside their support.
#include "strata/autograd/probability.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "strata/autograd/operations.hpp"

using namespace strata;
using Catch::Matchers::Contains;

namespace {

template <class T> Var<T> zeros(Tape<T>& tape, const Shape& shape) {
  return tape.constant(Tensor<T>(shape, T(0)));
}

}  // namespace

TEST_CASE("Parameters broadcast to x, and add no rows to it") {
  Tape<double> tape;
  const auto at = [&](const Shape& shape) { return zeros(tape, shape); };
  CHECK(normal_log_density(at({2, 3}), at({3}), at({})).shape() == Shape{2});
  CHECK(normal_log_density(at({4, 2, 3}), at({2, 3}), at({4, 1, 1})).shape() == Shape{4, 2});
  CHECK_THROWS_WITH(normal_log_density(at({3}), at({3, 1}), at({1})),
                    Contains("[normal_log_density] a parameter (3, 1) does not broadcast to x (3)"));
  CHECK_THROWS_WITH(normal_log_density(at({3, 1}), at({3, 2}), at({1})), Contains("(3, 2)"));
  CHECK_THROWS_WITH(normal_log_density(at({2, 3}), at({3}), at({4, 1, 1})), Contains("(4, 1, 1)"));
  CHECK_THROWS_WITH(normal_log_density(at({2, 3}), at({4}), at({})), Contains("(4)"));
  for (const Shape& other : {Shape{3, 1}, Shape{1}, Shape{1, 3}}) {
    CHECK_THROWS_WITH(bernoulli_log_density(at({3}), at(other)), Contains("shapes differ"));
    CHECK_THROWS_WITH(standard_normal_kl(at({3}), at(other)), Contains("shapes differ"));
    CHECK_THROWS_WITH(draw_log_density(at({3}), at(other)), Contains("shapes differ"));
    CHECK_THROWS_WITH(reparameterize(at({3}), at({3}), at(other)), Contains("shapes differ"));
  }
}

TEST_CASE("A row for every pair is asked for by unsqueeze") {
  Tape<double> tape;
  const auto z = tape.variable({{1, 2}, {3, 4}, {5, 6}}), mean = tape.variable({{0, 1}, {2, 3}});
  const auto each = normal_log_density(unsqueeze(z, 1, 2), mean, zeros(tape, {1}));  // (3, 2)
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t k = 0; k < 2; ++k) {
      const auto row = slice(z, 0, i, i + 1), centre = slice(mean, 0, k, k + 1);
      CHECK(each.value()(i, k) == normal_log_density(row, centre, zeros(tape, {1})).value()(0));
    }
  tape.backward(sum(each));
  CHECK((z.grad() == Tensor<double>{{0, 0}, {-4, -4}, {-8, -8}}));
  CHECK((mean.grad() == Tensor<double>{{9, 9}, {3, 3}}));
}

TEMPLATE_TEST_CASE("A Bernoulli density of numbers outside [0, 1] is refused", "", float, double) {
  using T = TestType;
  constexpr T inf = std::numeric_limits<T>::infinity(), tiny = std::numeric_limits<T>::denorm_min();
  Tape<T> tape;
  for (const T wrong : {T(255), T(-0.42), -tiny, std::nextafter(T(1), T(2)), inf, -inf, T(std::nan(""))})
    for (const T logit : {T(3), T(-3), T(0), inf, -inf})
      for (const std::size_t width : {1, 7, 37}) {
        Tensor<T> x(Shape{3, width}, T(0.5));
        x(1, width - 1) = wrong;
        INFO(wrong << " with logit " << logit << " among " << width);
        CHECK_THROWS_WITH(bernoulli_log_density(tape.constant(x), tape.variable(Tensor<T>(x.shape(), logit))),
                          Contains("[bernoulli_log_density] x is ") &&
                              Contains(" at (1, " + std::to_string(width - 1) + "); it must lie in [0, 1]"));
      }
  const auto ends = tape.constant({T(0), T(-0.0), tiny, T(1), std::nextafter(T(1), T(0))});
  CHECK(std::isfinite(bernoulli_log_density(ends, zeros(tape, {5})).value()()));
  // A NaN among the logits is a network's, not the data's: it passes.
  CHECK(std::isnan(
      bernoulli_log_density(tape.constant({T(0), T(1)}), tape.constant({T(0), T(std::nan(""))})).value()()));
}
