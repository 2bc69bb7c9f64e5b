#include "strata/autograd/gradcheck.hpp"

#include <catch2/catch.hpp>

#include "strata/autograd/elementwise.hpp"
#include "strata/autograd/linear_algebra.hpp"
#include "strata/autograd/reduce.hpp"
#include "strata/tensor/random.hpp"
#include "strata/tests/random_tensor.hpp"

using namespace strata;
using Catch::Matchers::Contains;
using tests::normals;

namespace {

// tanh whose derivative is wrong by a factor, at all elements or at one
Var<double> wrong_tanh(Var<double> x, double factor) {
  return record("wrong_tanh", {x}, xt::tanh(x.value()), [x, factor](Var<double> y) {
    x.accumulate(factor * y.grad() * (1.0 - xt::square(y.value())));
  });
}

Var<double> wrong_at_one_place(Var<double> x, std::size_t place) {
  return record("wrong_at_one_place", {x}, xt::square(x.value()), [x, place](Var<double> y) {
    Tensor<double> slope = 2.0 * y.grad() * x.value();
    slope.data()[place] *= 1.001;
    x.accumulate(slope);
  });
}

}  // namespace

TEST_CASE("gradcheck accepts right derivatives of small and large functions") {
  const auto f = [](auto&, auto& x) { return tanh(matmul(x[0], x[1])) * x[2]; };
  const auto small = gradcheck(f, {normals({3, 4}, 0), normals({4, 2}, 0), normals({2}, 0)});
  CHECK(small.message == "");
  CHECK(small.ok);
  CHECK(small.error < 1e-9);
  const auto large = gradcheck(f, {normals({30, 40}, 0), normals({40, 50}, 0), normals({50}, 0)});
  CHECK(large.message == "");
  CHECK(large.error < 1e-8);
}

TEST_CASE("gradcheck rejects a derivative that is wrong by 0.1 %, and says where") {
  const auto small = gradcheck([](auto&, auto& x) { return wrong_tanh(x[0], 1.001); }, {normals({2, 3}, 0)});
  CHECK(!small.ok);
  CHECK(small.error == Approx(1e-3).epsilon(0.1));
  CHECK_THAT(small.message, Contains("∂y[") && Contains("∂input 0[") && Contains("backward gives"));

  const auto large =
      gradcheck([](auto&, auto& x) { return wrong_tanh(x[0], 0.999); }, {normals({50, 60}, 0)});
  CHECK(!large.ok);

  const auto one =
      gradcheck([](auto&, auto& x) { return wrong_at_one_place(x[0], 5); }, {normals({2, 3}, 0)});
  CHECK(!one.ok);
  CHECK_THAT(one.message, Contains("∂y[1, 2]/∂input 0[1, 2]"));
  CHECK(!gradcheck([](auto&, auto& x) { return wrong_at_one_place(x[0], 777); }, {normals({1000}, 0)}).ok);
}

TEST_CASE("gradcheck rejects a missing derivative") {
  const auto report = gradcheck([](auto&, auto& x) { return x[0] * stop_gradient(x[0]); }, {normals({3}, 0)});
  CHECK(!report.ok);
  CHECK_THAT(report.message, Contains("finite differences"));
}

TEST_CASE("gradcheck of nothing is no success") {
  const auto report = gradcheck(
      [](Tape<double>& tape) {
        return sum(tape.variable({1, 2}));
      },
      std::vector<GradcheckInput>{});
  CHECK(!report.ok);
  CHECK_THAT(report.message, Contains("nothing to differentiate"));
}

TEST_CASE("gradcheck reports a NaN as the largest error, whatever follows it") {
  const auto report = gradcheck(
      [](auto&, auto& x) {
        const auto v = x[0];
        return record("sometimes", {v}, 1.0 * v.value(), [v](Var<double> y) {
          Tensor<double> slope = y.grad();
          slope(0) *= std::nan("");
          v.accumulate(slope);
        });
      },
      {normals({3}, 0)});
  CHECK(!report.ok);
  CHECK(std::isnan(report.error));
}

TEST_CASE("gradcheck demands identical results from run to run") {
  Rng shared{1};
  const auto report = gradcheck(
      [&](auto& tape, auto& x) {
        return x[0] * tape.constant(x[0].shape(), [&](auto& noise) { fill_normal(shared, noise); });
      },
      {normals({3}, 0)});
  CHECK(!report.ok);
  CHECK_THAT(report.message, Contains("two runs on the same inputs differ"));
}

TEST_CASE("gradcheck demands that a derivative is linear in the cotangent") {
  const auto report = gradcheck(
      [](auto&, auto& x) {
        const auto v = x[0];
        return record("not_linear", {v}, 1.0 * v.value(),
                      [v](Var<double> y) { v.accumulate(y.grad() * xt::abs(y.grad())); });
      },
      {normals({3}, 0)});
  CHECK(!report.ok);
  CHECK_THAT(report.message, Contains("not linear"));
}

TEST_CASE("gradcheck of tensors that live elsewhere restores them") {
  Tensor<double> weight = normals({4}, 0), before = weight;
  Gradient<double> gradient;
  const auto report = gradcheck(
      [&](Tape<double>& tape) {
        const auto w = tape.reference(weight, gradient);
        return sum(exp(w) * w);
      },
      {{"weight", &weight, &gradient}});
  CHECK(report.message == "");
  CHECK((weight == before));
  CHECK(!gradient.received);
  int calls = 0;
  const auto throws_later = [&](Tape<double>& tape) {
    if (++calls > 6) throw std::runtime_error("enough");
    return sum(tape.reference(weight, gradient));
  };
  CHECK_THROWS_WITH(gradcheck(throws_later, {{"weight", &weight, &gradient}}), "enough");
  CHECK((weight == before));
}
