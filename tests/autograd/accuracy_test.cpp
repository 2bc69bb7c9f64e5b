// Every elementwise function and its derivative in float, over all exponents, against double.
#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <numbers>
#include <sstream>

#include "strata/autograd/elementwise.hpp"
#include "strata/autograd/formulas.hpp"

using namespace strata;

namespace {

using Double = std::function<double(double)>;
struct Function {
  const char* name;
  std::function<Var<float>(Var<float>)> f;
  Double value, slope;
  double value_ulp, slope_ulp;  // as elementwise.hpp promises
};

double sigmoid_of(double x) { return 1 / (1 + std::exp(-x)); }
double softplus_of(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }
Double power(double c) {
  return [c](double x) { return std::pow(x, c); };
}
Double times(double c, Double f) {
  return [=](double x) { return c * f(x); };
}

// ln softplus x; beside its zero ln(e − 1) from e^x − (e − 1), which does not cancel.
double log_softplus_of(double x) {
  if (x < -18) return x - std::exp(x) / 2;
  if (std::abs(x - 0.54) > 0.3) return std::log(softplus_of(x));
  const long double e = std::numbers::e_v<long double>, zero = std::log(e - 1);
  return static_cast<double>(std::log1p(std::log1p((e - 1) / e * std::expm1(x - zero))));
}

std::vector<Function> functions() {
  const Double one = [](double) { return 1; };
  const auto pow_of = [](float c) { return [c](Var<float> x) { return pow(x, c); }; };
  return {
      {"exp", [](auto x) { return exp(x); }, [](double x) { return std::exp(x); },
       [](double x) { return std::exp(x); }, 3, 3},
      {"log", [](auto x) { return log(x); }, [](double x) { return std::log(x); }, power(-1), 1, 1},
      {"log1p", [](auto x) { return log1p(x); }, [](double x) { return std::log1p(x); },
       [](double x) { return 1 / (1 + x); }, 1, 2},
      {"expm1", [](auto x) { return expm1(x); }, [](double x) { return std::expm1(x); },
       [](double x) { return std::exp(x); }, 2, 3},
      {"sin", [](auto x) { return sin(x); }, [](double x) { return std::sin(x); },
       [](double x) { return std::cos(x); }, 2, 2},
      {"cos", [](auto x) { return cos(x); }, [](double x) { return std::cos(x); },
       [](double x) { return -std::sin(x); }, 2, 2},
      {"erf", [](auto x) { return erf(x); }, [](double x) { return std::erf(x); },
       [](double x) { return 2 * std::numbers::inv_sqrtpi * std::exp(-x * x); }, 3, 5},
      {"pow 2.5", pow_of(2.5f), power(2.5), times(2.5, power(1.5)), 1, 1},
      {"pow 0.1", pow_of(0.1f), power(0.1f), times(0.1f, power(0.1f - 1.0)), 1, 1},
      {"pow 3", pow_of(3), power(3), times(3, power(2)), 2, 2},
      {"pow 2", pow_of(2), power(2), times(2, power(1)), 1, 1},
      {"pow -1", pow_of(-1), power(-1), times(-1, power(-2)), 1, 1},
      {"pow -2", pow_of(-2), power(-2), times(-2, power(-3)), 1, 1},
      {"sqrt", [](auto x) { return sqrt(x); }, [](double x) { return std::sqrt(x); }, times(0.5, power(-0.5)),
       1, 2},
      {"square", [](auto x) { return square(x); }, power(2), times(2, power(1)), 1, 1},
      {"abs", [](auto x) { return abs(x); }, [](double x) { return std::abs(x); },
       [](double x) { return x > 0   ? 1
                             : x < 0 ? -1
                                     : 0; }, 0, 0},
      {"1 / x", [](auto x) { return 1 / x; }, power(-1), times(-1, power(-2)), 1, 2},
      {"x / 49", [](auto x) { return x / 49; }, times(1 / 49.0, power(1)), times(1 / 49.0, one), 1, 1},
      {"tanh", [](auto x) { return tanh(x); }, [](double x) { return std::tanh(x); },
       [](double x) { return 1 / (std::cosh(x) * std::cosh(x)); }, 2, 6},
      {"sigmoid", [](auto x) { return sigmoid(x); }, sigmoid_of,
       [](double x) { return sigmoid_of(x) * sigmoid_of(-x); }, 2, 4},
      {"log_sigmoid", [](auto x) { return log_sigmoid(x); }, [](double x) { return -softplus_of(-x); },
       [](double x) { return sigmoid_of(-x); }, 4, 4},
      {"softplus", [](auto x) { return softplus(x); }, softplus_of, sigmoid_of, 4, 4},
      {"log_softplus", [](auto x) { return log_softplus(x); }, log_softplus_of,
       [](double x) { return x < -700 ? 1 : sigmoid_of(x) / softplus_of(x); }, 4, 5},
  };
}

// `per_exponent` numbers of each finite exponent and sign, evenly spaced from each power of two on, in order
// of magnitude; the last is the largest of the exponent.
Tensor<float> all_exponents(std::uint32_t per_exponent) {
  std::vector<float> x;
  for (std::uint32_t sign = 0; sign < 2; ++sign)
    for (std::uint32_t exponent = 0; exponent < 255; ++exponent)
      for (std::uint32_t k = 0; k < per_exponent; ++k) {
        const std::uint32_t mantissa = k + 1 == per_exponent ? 0x7fffff : 0x7fffff / per_exponent * k;
        x.push_back(std::bit_cast<float>(sign << 31 | exponent << 23 | mantissa));
      }
  Tensor<float> result(Shape{x.size()});
  std::copy(x.begin(), x.end(), result.begin());
  return result;
}

// The distance in units of the last place of a float near the truth; 0 where the truth is no normal float.
double ulp(float got, double truth) {
  using Limits = std::numeric_limits<float>;
  const double size = std::abs(truth);
  if (!(size >= Limits::min() && size <= Limits::max())) return 0;
  const double distance = std::abs(got - truth) / std::ldexp(1.0, std::ilogb(truth) - (Limits::digits - 1));
  return std::isfinite(got) ? distance : std::numeric_limits<double>::infinity();
}

struct Worst {
  double ulp = 0;
  float at = 0;
};
Worst worst(const Tensor<float>& x, const Tensor<float>& got, const Double& truth) {
  Worst result;
  for (std::size_t i = 0; i < x.size(); ++i)
    if (const double distance = ulp(got(i), truth(x(i))); distance > result.ulp) result = {distance, x(i)};
  return result;
}

struct Results {
  Tensor<float> value, slope;
};
Results evaluate(const Function& function, const Tensor<float>& at) {
  Tape<float> tape;
  const auto x = tape.variable(at), y = function.f(x);
  tape.backward(y, Tensor<float>(at.shape(), 1.0f));
  return {y.value(), x.grad()};
}

// The largest relative error of a formula, as this file is compiled, in units of ε.
template <class F, class Truth> double worst_in_double(F f, Truth truth, double from, double to) {
  constexpr int points = 2000;
  double worst = 0;
  for (int k = 0; k <= points; ++k) {
    const double x = from + (to - from) * k / points;
    const long double exact = truth(static_cast<long double>(x));
    worst =
        std::max(worst, static_cast<double>(std::abs((f(xsimd::batch<double>(x)).get(0) - exact) / exact)));
  }
  return worst / std::numeric_limits<double>::epsilon();
}

}  // namespace

TEST_CASE("Elementwise functions in float are within the units of the last place that they promise") {
  const Tensor<float> x = all_exponents(2048);
  for (const Function& function : functions()) {
    const auto [value, slope] = evaluate(function, x);
    const Worst of_value = worst(x, value, function.value), of_slope = worst(x, slope, function.slope);
    std::ostringstream text;
    text << function.name << ": value " << of_value.ulp << " ulp at " << of_value.at << ", derivative "
         << of_slope.ulp << " ulp at " << of_slope.at;
    INFO(text.str());
    CHECK(of_value.ulp <= function.value_ulp);
    CHECK(of_slope.ulp <= function.slope_ulp);
  }
}

TEST_CASE("Elementwise functions give a number alone what they give it in a tensor") {
  const Tensor<float> x = all_exponents(3);
  const auto same = [](float a, float b) { return std::memcmp(&a, &b, sizeof a) == 0; };
  for (const Function& function : functions()) {
    const auto [value, slope] = evaluate(function, x);
    std::size_t different = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const Results alone = evaluate(function, Tensor<float>(Shape{1}, x(i)));
      if (!same(alone.value(0), value(i)) || !same(alone.slope(0), slope(i))) ++different;
    }
    INFO(function.name);
    CHECK(different == 0);
  }
}

TEST_CASE("Formulas in double lose nothing, whether the compiler contracts or not") {
  CHECK(worst_in_double(
            [](auto x) { return formulas::erf_slope(x); },
            [](long double x) { return 2 * std::numbers::inv_sqrtpi_v<long double> * std::exp(-x * x); },
            0.01, 26.5) <= 5);
  CHECK(worst_in_double([](auto x) { return formulas::log_softplus(x); },
                        [](long double x) { return std::log(std::log1p(std::exp(x))); }, -30, -18) <= 2);
  CHECK(worst_in_double([](auto x) { return formulas::log_softplus_slope(x); },
                        [](long double x) { return 1 / ((1 + std::exp(-x)) * std::log1p(std::exp(x))); }, -30,
                        -18) <= 2);
}
