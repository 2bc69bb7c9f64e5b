// What operations give at ±1000, at the ends of the float range, at ±∞ and NaN.
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "strata/autograd/elementwise.hpp"
#include "strata/autograd/probability.hpp"
#include "strata/autograd/reduce.hpp"
#include "strata/autograd/shape.hpp"

using namespace strata;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr std::size_t width = 37;  // SIMD lanes and a scalar rest

// The value and derivative of f at x, wherever x stands in a tensor.
template <class T, class F> std::pair<double, double> at(F f, double x) {
  Tape<T> tape;
  const auto input = tape.variable(Tensor<T>(Shape{width}, static_cast<T>(x)));
  const auto y = f(input);
  tape.backward(sum(y));
  for (std::size_t i = 1; i < width; ++i) {
    const bool same = (y.value()(i) == Approx(y.value()(0)) || std::isnan(y.value()(i))) &&
                      (input.grad()(i) == Approx(input.grad()(0)) || std::isnan(input.grad()(i)));
    CHECK(same);
  }
  return {y.value()(0), input.grad()(0)};
}

}  // namespace

TEMPLATE_TEST_CASE("Saturating functions are exact at ±1000 and at the ends of the range", "", float,
                   double) {
  const double largest = std::numeric_limits<TestType>::max();
  const auto check = [](auto f, double x, double value, double slope) {
    const auto [y, derivative] = at<TestType>(f, x);
    INFO("at " << x);
    CHECK(y == Approx(value));
    CHECK(derivative == Approx(slope));
  };
  for (const double x : {1000.0, largest}) {
    check([](auto v) { return softplus(v); }, x, x, 1);
    check([](auto v) { return softplus(v); }, -x, 0, 0);
    check([](auto v) { return log_softplus(v); }, x, std::log(x), 1 / x);
    check([](auto v) { return log_softplus(v); }, -x, -x, 1);
    check([](auto v) { return sigmoid(v); }, x, 1, 0);
    check([](auto v) { return sigmoid(v); }, -x, 0, 0);
    check([](auto v) { return log_sigmoid(v); }, x, 0, 0);
    check([](auto v) { return log_sigmoid(v); }, -x, -x, 1);
    check([](auto v) { return tanh(v); }, x, 1, 0);
    check([](auto v) { return tanh(v); }, -x, -1, 0);
    check([](auto v) { return relu(v); }, x, x, 1);
    check([](auto v) { return relu(v); }, -x, 0, 0);
    check([](auto v) { return abs(v); }, -x, x, -1);
    check([](auto v) { return clamp(v, -1, 1); }, x, 1, 0);
    check([](auto v) { return exp(v); }, -x, 0, 0);
    check([](auto v) { return expm1(v); }, -x, -1, 0);
    check([](auto v) { return log1p(v); }, x, std::log1p(x), 1 / (1 + x));
    check([](auto v) { return erf(v); }, x, 1, 0);
    check([](auto v) { return erf(v); }, -x, -1, 0);
  }
  check([](auto v) { return exp(v); }, inf, inf, inf);
  check([](auto v) { return abs(v); }, 0, 0, 0);
  check([](auto v) { return relu(v); }, 0, 0, 0);
  check([](auto v) { return maximum(v, v); }, 2, 2, 1);
}

TEMPLATE_TEST_CASE("softplus keeps the type's precision from e⁻⁸⁰ to 80", "", float, double) {
  for (double x = -80; x <= 80; x += 0.0625) {
    const auto exact = static_cast<double>(std::log1p(std::exp(static_cast<long double>(x))));
    const auto [y, slope] = at<TestType>([](auto v) { return softplus(v); }, x);
    INFO("at " << x);
    CHECK(std::abs(y / exact - 1) <= 4 * std::numeric_limits<TestType>::epsilon());
    CHECK(slope == Approx(1 / (1 + std::exp(-x))));
  }
}

TEMPLATE_TEST_CASE("No operation hides a NaN", "", float, double) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto passes = [&](auto f) { CHECK(std::isnan(at<TestType>(f, nan).first)); };
  passes([](auto v) { return relu(v); });
  passes([](auto v) { return leaky_relu(v); });
  passes([](auto v) { return clamp(v, 0, 1); });
  passes([](auto v) { return abs(v); });
  passes([](auto v) { return softplus(v); });
  passes([](auto v) { return log_softplus(v); });
  passes([](auto v) { return sigmoid(v); });
  passes([](auto v) { return tanh(v); });
  passes([](auto v) { return log1p(v) + expm1(v) + erf(v); });
  passes([](auto v) { return sin(v) * cos(v); });
  passes([](auto v) { return pow(v, 2); });
  passes([](auto v) { return max(v, {0}, KeepAxes::yes) + 0 * v; });
  passes([](auto v) { return logsumexp(v, 0, KeepAxes::yes) + 0 * v; });
  passes([](auto v) { return maximum(v, v.tape().constant({1})); });
  passes([](auto v) { return maximum(v.tape().constant({1}), v); });
  passes([](auto v) { return minimum(v, v.tape().constant({1})); });
  passes([](auto v) { return max(v, {0}, KeepAxes::yes) + stop_gradient(0 * v); });
  passes([](auto v) { return where(stop_gradient(v), v.tape().constant({1}), 0 * relu(v)); });
  Tape<TestType> tape;
  const auto t = static_cast<TestType>(nan);
  const auto some = tape.constant({{3, t, 5, t}, {1, 2, 0, t}, {1, 0, 2, 1}});
  CHECK(argmax(some) == std::vector<std::size_t>{1, 3, 2});
  CHECK(argmin(some) == std::vector<std::size_t>{1, 3, 1});
  CHECK(std::isnan(max(some, {1}).value()(0)));
  CHECK(std::isnan(min(some, {0}).value()(1)));
  CHECK(where(some, tape.constant({1}), tape.constant({2})).value()(1, 0) == 1);
  CHECK(std::isnan(where(some, tape.constant({1}), tape.constant({2})).value()(1, 3)));
}

TEMPLATE_TEST_CASE("logsumexp and softmax are stable", "", float, double) {
  Tape<TestType> tape;
  const auto x = tape.variable({{1000, 1000}, {-1000, -1000}, {1000, -1000}});
  const auto y = logsumexp(x);
  CHECK(y.value()(0) == Approx(1000 + std::log(2)));
  CHECK(y.value()(1) == Approx(-1000 + std::log(2)));
  CHECK(y.value()(2) == Approx(1000));
  tape.backward(sum(y));
  CHECK(xt::allclose(x.grad(), Tensor<TestType>{{0.5, 0.5}, {0.5, 0.5}, {1, 0}}, 1e-4));
  CHECK((softmax(x).value() == Tensor<TestType>{{0.5, 0.5}, {0.5, 0.5}, {1, 0}}));
  const auto infinite = static_cast<TestType>(inf);
  const auto ends = logsumexp(tape.constant({{-infinite, -infinite}, {infinite, 0}, {0, -infinite}})).value();
  CHECK(ends(0) == -infinite);
  CHECK(ends(1) == infinite);
  CHECK(ends(2) == 0);
}

TEMPLATE_TEST_CASE("softmax of nothing but −∞ is 0, its logarithm −∞, and neither poisons a gradient", "",
                   float, double) {
  constexpr auto infinity = std::numeric_limits<TestType>::infinity();
  Tape<TestType> tape;
  const auto x = tape.variable({{-infinity, -infinity, -infinity}, {-infinity, 1, 1}});
  const Tensor<TestType> shares{{0, 0, 0}, {0, 0.5, 0.5}};
  const auto y = softmax(x), z = log_softmax(x);
  CHECK((y.value() == shares));
  CHECK(xt::allclose(exp(z).value(), shares));
  CHECK((z.value()(0, 1) == -infinity));
  CHECK((z.value()(1, 0) == -infinity));
  tape.backward(sum(square(y)));
  CHECK((x.grad() == Tensor<TestType>{{0, 0, 0}, {0, 0, 0}}));
  const auto mask = tape.constant({{0, 0, 0}, {0, 1, 1}});
  tape.backward(sum(where(mask, z, tape.constant(Tensor<TestType>(Shape{1}, TestType(0))))));
  CHECK(xt::allclose(x.grad(), Tensor<TestType>{{0, 0, 0}, {0, 0, 0}}, 0, 1e-6));
  tape.backward(sum(sqrt(softmax(x))));
  CHECK(xt::allclose(x.grad(), Tensor<TestType>{{0, 0, 0}, {0, 0, 0}}));
}

TEMPLATE_TEST_CASE("logsumexp and softmax hide neither NaN nor what +∞ leaves open", "", float, double) {
  constexpr auto infinity = std::numeric_limits<TestType>::infinity();
  const auto nan = std::numeric_limits<TestType>::quiet_NaN();
  Tape<TestType> tape;
  const auto x = tape.variable({{infinity, 0, infinity}, {nan, -infinity, -infinity}});
  const auto y = logsumexp(x);
  CHECK(y.value()(0) == infinity);
  CHECK(std::isnan(y.value()(1)));
  tape.backward(sum(y));
  CHECK(std::isnan(x.grad()(0, 0)));
  CHECK(x.grad()(0, 1) == 0);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(std::isnan(x.grad()(1, i)));
    CHECK(std::isnan(softmax(x).value()(1, i)));
    CHECK(std::isnan(log_softmax(x).value()(1, i)));
  }
  CHECK(std::isnan(softmax(x).value()(0, 0)));
  CHECK(std::isnan(log_softmax(x).value()(0, 0)));
}

TEMPLATE_TEST_CASE("max, min and where are right for infinite numbers and every mask", "", float, double) {
  constexpr auto infinity = std::numeric_limits<TestType>::infinity();
  const auto nan = std::numeric_limits<TestType>::quiet_NaN();
  Tape<TestType> tape;
  const auto x = tape.variable({{-infinity, -infinity}, {-infinity, 3}, {infinity, 3}});
  const auto largest = max(x, {-1}), smallest = min(x, {-1});
  CHECK((largest.value() == Tensor<TestType>{-infinity, 3, infinity}));
  CHECK((smallest.value() == Tensor<TestType>{-infinity, -infinity, 3}));
  tape.backward(largest, {1, 1, 1});
  CHECK((x.grad() == Tensor<TestType>{{0.5, 0.5}, {0, 1}, {1, 0}}));
  tape.backward(smallest, {1, 1, 1});
  CHECK((x.grad() == Tensor<TestType>{{0.5, 0.5}, {1, 0}, {0, 1}}));
  tape.backward(largest, {1, infinity, 1});  // as from a root at 0
  CHECK((x.grad() == Tensor<TestType>{{0.5, 0.5}, {0, infinity}, {1, 0}}));

  const auto a = tape.variable({infinity, nan, 3, 4, 5}), b = tape.variable({1, 2, -infinity, nan, 6});
  const auto y = where(tape.constant({0, TestType(-0.0), -infinity, infinity, nan}), a, b);
  CHECK(y.value()(0) == 1);
  CHECK(y.value()(1) == 2);
  CHECK(y.value()(2) == 3);
  CHECK(y.value()(3) == 4);
  CHECK(std::isnan(y.value()(4)));
  tape.backward(sum(slice(y, 0, 0, 4)));
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(a.grad()(i) == (i < 2 ? 0 : 1));
    CHECK(b.grad()(i) == (i < 2 ? 1 : 0));
  }
}

TEMPLATE_TEST_CASE("The Bernoulli log density is exact for logits of ±1000 and ±max", "", float, double) {
  const TestType largest = std::numeric_limits<TestType>::max();
  Tape<TestType> tape;
  const auto logits = tape.variable({{1000, -1000}, {-1000, 1000}, {largest, -largest}});
  const auto y = bernoulli_log_density(tape.constant({{1, 0}, {1, 1}, {1, 0}}), logits);
  CHECK(y.value()(0) == Approx(0).margin(1e-12));
  CHECK(y.value()(1) == Approx(-1000));
  CHECK(y.value()(2) == 0);
  tape.backward(sum(y));
  CHECK((logits.grad() == Tensor<TestType>{{0, 0}, {1, 0}, {0, 0}}));
}

TEST_CASE("The KL to a standard normal is accurate near zero") {
  Tape<double> tape;
  const auto y = standard_normal_kl(tape.constant({0.0, 0.0}), tape.constant({1e-6, -1e-6}));
  CHECK(y.value()() == Approx(0.5e-12).epsilon(1e-3));
}
