// Values and derivatives where a plain formula cancels, overflows halfway, or multiplies 0 by ∞.
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

template <class T> Tensor<T> numbers(std::initializer_list<double> x) {
  auto y = Tensor<T>::from_shape({x.size()});
  std::transform(x.begin(), x.end(), y.begin(), [](double v) { return static_cast<T>(v); });
  return y;
}

// The gradient of Σ f(x).
template <class T, class F> Tensor<T> gradient(F f, std::initializer_list<double> x) {
  Tape<T> tape;
  const auto input = tape.variable(numbers<T>(x));
  tape.backward(sum(f(input)));
  return input.grad();
}

}  // namespace

TEMPLATE_TEST_CASE("The Bernoulli log density rounds no more than its logit for x = 0 and 1", "", float,
                   double) {
  for (double l : {0.5, 12.0, 17.0, 30.0, 60.0})
    for (const double sign : {-1.0, 1.0}) {
      Tape<TestType> tape;
      const auto logits = tape.variable(numbers<TestType>({sign * l}));
      const auto y = bernoulli_log_density(tape.constant(numbers<TestType>({sign > 0 ? 1.0 : 0.0})), logits);
      tape.backward(y);
      INFO("logit " << sign * l);
      const double epsilon = 4 * std::numeric_limits<TestType>::epsilon();
      CHECK(y.value()() == Approx(-std::log1p(std::exp(-l))).epsilon(epsilon).margin(0));
      CHECK(logits.grad()(0) == Approx(sign * std::exp(-l) / (1 + std::exp(-l))).epsilon(epsilon).margin(0));
    }
}

TEMPLATE_TEST_CASE("A Bernoulli logit of ±∞ makes ln p −∞ or 0", "", float, double) {
  Tape<TestType> tape;
  const auto x = tape.variable(numbers<TestType>({0, 1, 0, 1}));
  const auto logits = tape.variable(numbers<TestType>({-inf, inf, inf, -inf}));
  const auto y = bernoulli_log_density(unsqueeze(x, -1), unsqueeze(logits, -1));
  CHECK((y.value() == numbers<TestType>({0, 0, -inf, -inf})));
  tape.backward(sum(y));
  CHECK((logits.grad() == numbers<TestType>({0, 0, -1, 1})));
}

TEMPLATE_TEST_CASE("A draw's derivative in ln σ² is ½ σ ε, however large the mean", "", float, double) {
  Tape<TestType> tape;
  const auto log_variance = tape.variable(numbers<TestType>({-17, -40}));
  const auto z = reparameterize(tape.constant(numbers<TestType>({1, 1e6})), log_variance,
                                tape.constant(numbers<TestType>({0.7, -2})));
  tape.backward(sum(z));
  CHECK(log_variance.grad()(0) == Approx(0.35 * std::exp(-8.5)).epsilon(1e-6));
  CHECK(log_variance.grad()(1) == Approx(-std::exp(-20)).epsilon(1e-6));
}

TEMPLATE_TEST_CASE("The KL to N(0, I) keeps the type's precision near μ = 0, σ = 1", "", float, double) {
  for (const double x : {1e-10, 1e-6, -1e-4, 1e-3, -0.01, 0.1, -0.5, 0.9, -0.99, 1.1, -1.5, 4.0}) {
    const auto s = static_cast<TestType>(x);
    const auto exact = static_cast<double>(
        std::abs(s) < 1e-2 ? s * (s / 4.0L) * (1 + s / 3.0L * (1 + s / 4.0L * (1 + s / 5.0L)))
                           : 0.5L * (std::expm1(static_cast<long double>(s)) - s));
    Tape<TestType> tape;
    const auto log_variance = tape.variable(Tensor<TestType>(Shape{1}, s));
    const auto y = standard_normal_kl(tape.constant(Tensor<TestType>(Shape{1}, TestType(0))), log_variance);
    tape.backward(y);
    INFO("ln σ² = " << x);
    const double epsilon = 4 * std::numeric_limits<TestType>::epsilon();
    CHECK(y.value()() == Approx(exact).epsilon(std::max(epsilon, 1e-11)).margin(0));
    CHECK(log_variance.grad()(0) == Approx(0.5 * std::expm1(double(s))).epsilon(epsilon).margin(0));
  }
}

TEMPLATE_TEST_CASE("The normal log density is finite wherever the truth is", "", float, double) {
  struct Case {
    double x, mean, log_variance, exact, slope;
  };
  const double half_log_two_pi = 0.91893853320467274178;
  const double u = 1e20 * std::exp(-44.0);
  for (const Case c : {Case{1, 1, -100, 50 - half_log_two_pi, 0}, Case{2, 2, -400, 200 - half_log_two_pi, 0},
                       Case{1e20, 0, 88, -44 - half_log_two_pi - u * u / 2, u * std::exp(-44.0)}}) {
    Tape<TestType> tape;
    const auto x = tape.variable(numbers<TestType>({c.x})), mean = tape.variable(numbers<TestType>({c.mean}));
    const auto log_variance = tape.variable(numbers<TestType>({c.log_variance}));
    const auto y = normal_log_density(x, mean, log_variance);
    tape.backward(y);
    INFO("x = " << c.x << ", ln σ² = " << c.log_variance);
    CHECK(y.value()() == Approx(c.exact).epsilon(1e-5));
    CHECK(mean.grad()(0) == Approx(c.slope).epsilon(1e-5));
    CHECK(x.grad()(0) == Approx(-c.slope).epsilon(1e-5));
    CHECK(log_variance.grad()(0) == Approx(c.x == c.mean ? -0.5 : (u * u - 1) / 2).epsilon(1e-5));
  }
}

TEMPLATE_TEST_CASE("x / c is rounded once", "", float, double) {
  Tape<TestType> tape;
  const auto x = tape.variable(numbers<TestType>({49, 0, 5, 1}));
  CHECK((x / 49).value()(0) == 1);
  CHECK((x / TestType(1e-39)).value()(1) == 0);
  for (int c = 1; c < 200; ++c) CHECK((x / TestType(c)).value()(2) == TestType(5) / TestType(c));
  tape.backward(sum(x / TestType(49)));
  CHECK(x.grad()(3) == TestType(1) / TestType(49));
}

TEMPLATE_TEST_CASE("A zero gradient stays zero where the slope is infinite", "", float, double) {
  using T = TestType;
  const auto vanishes = [](const char* name, auto f, std::initializer_list<double> x) {
    INFO(name);
    for (const T g : gradient<T>(f, x)) CHECK(g == 0);
  };
  vanishes("maximum(sqrt(sum(square)))",
           [](auto x) {
             return maximum(sqrt(sum(square(x))),
                            x.tape().constant(Shape{}, [](auto& c) { c.fill(T(1e-10)); }));
           },
           {0, 0});
  vanishes("clamp(log)", [](auto x) { return clamp(log(x), -100, 0); }, {0});
  vanishes("relu(log)", [](auto x) { return relu(log(x)); }, {0});
  vanishes("clamp(log1p)", [](auto x) { return clamp(log1p(x), -100, 0); }, {-1});
  vanishes("clamp(1 / x)", [](auto x) { return clamp(1 / x, -10, 10); }, {0});
  vanishes("clamp(x / 0)", [](auto x) { return clamp(x / 0, -10, 10); }, {1});
  vanishes("clamp(1 / x)", [](auto x) { return clamp(x.tape().constant({1}) / x, -10, 10); }, {0});
  vanishes("clamp(x y)", [](auto x) { return clamp(x * x.tape().constant({T(inf)}), -10, 10); }, {1});
  vanishes("clamp(x ∞)", [](auto x) { return clamp(x * T(inf), -10, 10); }, {1});
  vanishes("clamp(exp)", [](auto x) { return clamp(exp(x), 0, 10); }, {800});
  vanishes("clamp(expm1)", [](auto x) { return clamp(expm1(x), 0, 10); }, {800});
  vanishes("clamp(pow)", [](auto x) { return clamp(pow(x, -1), 0, 10); }, {0});
  vanishes("maximum(pow)", [](auto x) { return maximum(pow(x, 0.5), x.tape().constant({1})); }, {0});
  vanishes("where(abs)", [](auto x) { return where(x.tape().constant({1}), x.tape().constant({2}), abs(x)); },
           {std::nan("")});
  vanishes("clamp(square)", [](auto x) { return clamp(square(x), 0, 10); }, {inf});
}

TEMPLATE_TEST_CASE("A root at 0 passes nothing to what has the slope 0 there", "", float, double) {
  using T = TestType;
  const auto vanishes = [](const char* name, auto f, std::initializer_list<double> x) {
    INFO(name);
    for (const T g : gradient<T>(f, x)) CHECK(g == 0);
  };
  vanishes("norm", [](auto x) { return sqrt(sum(square(x))); }, {0, 0, 0});
  vanishes("norm by products", [](auto x) { return sqrt(sum(x * x)); }, {0, 0, 0});
  vanishes("norm by powers", [](auto x) { return sqrt(sum(pow(x, 2))); }, {0, 0, 0});
  vanishes("distance to itself", [](auto x) { return sqrt(square(x - x)); }, {0.5});
  vanishes("deviation of constants", [](auto x) { return sqrt(mean(square(x - mean(x)))); }, {2, 2, 2});
  vanishes("deviation by row",
           [](auto x) {
             const auto rows = reshape(x, {2, 2});
             const auto d = rows - mean(rows, {1}, KeepAxes::yes);
             return sqrt(mean(d * d, {1}));
           },
           {2, 2, -3, -3});
  vanishes("chord", [](auto x) { return sqrt(1 - cos(x)); }, {0});
  vanishes("largest square", [](auto x) { return sqrt(max(square(x), {0})); }, {0, 0});
  vanishes("ratio", [](auto x) { return sqrt(x.tape().constant(numbers<T>({0})) / x); }, {2});
  vanishes("ratio to 0", [](auto x) { return sqrt(0 / x); }, {2});
  vanishes("underflow", [](auto x) { return sqrt(exp(x)); }, {-2000});
  vanishes("saturation", [](auto x) { return sqrt(1 - tanh(x)); }, {1000});
  // The others' gradients are what they were.
  const auto rest = gradient<T>([](auto x) { return sqrt(square(x)); }, {0, -3, 2});
  CHECK((rest == numbers<T>({0, -1, 1})));
  CHECK(std::isinf(gradient<T>([](auto x) { return sqrt(x); }, {0})(0)));  // and this one has none
}

TEMPLATE_TEST_CASE("A NaN gradient is not lost where a slope is 0", "", float, double) {
  Tape<TestType> tape;
  const auto x = tape.variable(numbers<TestType>({0}));
  tape.backward(square(x), numbers<TestType>({std::nan("")}));
  CHECK(std::isnan(x.grad()(0)));
}

TEMPLATE_TEST_CASE("exp and log are right to the ends of the type's range", "", float, double) {
  using Limits = std::numeric_limits<TestType>;
  const double last = std::log(static_cast<double>(Limits::max()));
  for (const double below : {0.001, 0.1, 0.3, 0.5, 1.5}) {
    const auto x = static_cast<TestType>(last - below);
    Tape<TestType> tape;
    const auto input = tape.constant(Tensor<TestType>(Shape{1}, x));
    const double exact = std::exp(static_cast<double>(x)), epsilon = 4 * Limits::epsilon();
    CHECK(exp(input).value()(0) == Approx(exact).epsilon(epsilon));
    CHECK(expm1(input).value()(0) == Approx(exact).epsilon(epsilon));
  }
  for (const double x : {1.0, 3.0, 1000.0, 1e6}) {
    const TestType tiny = Limits::denorm_min() * static_cast<TestType>(x);
    Tape<TestType> tape;
    const auto y = log(tape.constant(Tensor<TestType>(Shape{1}, tiny)));
    CHECK(y.value()(0) == Approx(std::log(static_cast<double>(tiny))).epsilon(4 * Limits::epsilon()));
    CHECK(exp(y).value()(0) ==
          Approx(static_cast<double>(tiny)).epsilon(1e-3).margin(2 * Limits::denorm_min()));
  }
}
