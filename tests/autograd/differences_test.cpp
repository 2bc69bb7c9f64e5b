#include "strata/autograd/differences.hpp"

#include <catch2/catch.hpp>
#include <cmath>

using namespace strata;

namespace {

// f'(0) as finite differences give it, refined until its estimated error is at most this
detail::Slope slope_of(const std::function<double(double)>& f, double wanted = 1e-10) {
  const auto y = [&](double t) { return Tensor<double>({f(t)}); };
  return detail::slopes(y, y(0), {0.0}, 3e-4, [&](std::size_t, const detail::Slope& slope) {
    return slope.error <= wanted && !slope.kink;
  })[0];
}

}  // namespace

TEST_CASE(
    "A slope's estimated error bounds its true error, for functions of any scale above a tenth of the step") {
  for (double scale = 1e-4; scale < 1e5; scale *= 7) {
    const auto check = [&](auto f, double slope) {
      const auto found = slope_of([&](double t) { return f(scale * t); }, 1e-10 * scale);
      INFO("scale " << scale << ", found " << found.value << " ± " << found.error);
      CHECK(std::abs(found.value - scale * slope) <= 4 * found.error);
      CHECK(found.error <= 1e-6 * scale);
      CHECK(!found.kink);
    };
    check([](double t) { return std::sin(t); }, 1);
    check([](double t) { return std::exp(t); }, 1);
    check([](double t) { return 1000 + std::tanh(t + 0.5); }, 1 - std::pow(std::tanh(0.5), 2));
  }
}

TEST_CASE("A kink at the point stays one, and a smaller step passes by one beside it") {
  const auto at = slope_of([](double t) { return std::abs(t) + 3 * t; });
  CHECK(at.kink);
  CHECK(at.left == Approx(2));
  CHECK(at.right == Approx(4));
  for (const double place : {2e-4, 1e-4, 5e-5, 1e-5, 1e-6, 1e-7}) {
    const auto beside = slope_of([&](double t) { return std::max(t, place); }, 1e-8);
    INFO("kink at " << place);
    CHECK(!beside.kink);
    CHECK(std::abs(beside.value) <= 4 * beside.error);
    CHECK(beside.error <= 1e-6);
  }
}

TEST_CASE("Steps shrink into a domain, and the edge of one leaves no slope") {
  const auto inside = slope_of([](double t) { return std::log(1e-6 + t); }, 1e-3);
  CHECK(inside.value == Approx(1e6));
  const auto edge = slope_of([](double t) { return std::sqrt(t); });
  CHECK(std::isinf(edge.error));
  CHECK(edge.smallest_step < 1e-6);
}
