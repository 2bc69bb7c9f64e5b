#include "strata/autograd/gradcheck.hpp"

#include <catch2/catch.hpp>

#include "strata/autograd/arithmetic.hpp"
#include "strata/autograd/elementwise.hpp"
#include "strata/autograd/linear_algebra.hpp"
#include "strata/autograd/reduce.hpp"
#include "strata/tensor/random.hpp"
#include "strata/tests/autograd/gradient_table.hpp"
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

// y = x whose derivative is wrong by a factor
Var<double> off_by(Var<double> x, double factor) {
  return record("off_by", {x}, 1.0 * x.value(),
                [x, factor](Var<double> y) { x.accumulate(factor * y.grad()); });
}

}  // namespace

TEST_CASE("gradcheck accepts right derivatives of small and large functions") {
  const auto f = [](auto&, auto& x) { return tanh(matmul(x[0], x[1])) * x[2]; };
  const auto small = gradcheck(f, {normals({3, 4}, 0), normals({4, 2}, 0), normals({2}, 0)});
  CHECK(small.message == "");
  CHECK(small.ok);
  CHECK(small.error < 5e-9);
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
  const Tensor<double> before = normals({4}, 0);
  Versioned<double> weight(before);
  Gradient<double> gradient;
  const auto report = gradcheck(
      [&](Tape<double>& tape) {
        const auto w = tape.reference(weight, &gradient);
        return sum(exp(w) * w);
      },
      {{"weight", &weight, &gradient}});
  CHECK(report.message == "");
  CHECK((weight.value() == before));
  CHECK(!gradient.received);
  gradient = {normals({4}, 1), true};
  CHECK(gradcheck([&](Tape<double>& tape) { return sum(square(tape.reference(weight, &gradient))); },
                  {{"weight", &weight, &gradient}})
            .ok);
  CHECK(gradient.received);
  CHECK((gradient.value == normals({4}, 1)));
  int calls = 0;
  const auto throws_later = [&](Tape<double>& tape) {
    if (++calls > 6) throw std::runtime_error("enough");
    return sum(tape.reference(weight, &gradient));
  };
  CHECK_THROWS_WITH(gradcheck(throws_later, {{"weight", &weight, &gradient}}), "enough");
  CHECK((weight.value() == before));
}

TEST_CASE("gradcheck counts kinks, and compares again at moved inputs") {
  const Tensor<double> zeros(Shape{3}, 0.0);
  const auto relu_at_0 = gradcheck([](auto&, auto& x) { return relu(x[0]); }, {zeros});
  CHECK(relu_at_0.message == "");
  CHECK(relu_at_0.checked == 9);
  CHECK(relu_at_0.kinks == 3);
  CHECK(relu_at_0.undecided == 0);
  CHECK_THAT(relu_at_0.note, Contains("not differentiable within the step") &&
                                 Contains("first of all at ∂y[0]/∂input 0[0]") && Contains("moved inputs"));
  const auto abs_at_0 = gradcheck([](auto&, auto& x) { return abs(x[0]); }, {zeros});
  CHECK(abs_at_0.message == "");
  CHECK(abs_at_0.kinks == 3);

  const Tensor<double> near({3e-5, -2e-5, 1e-6, -1e-7, 7e-5, 1.0});
  const auto relu_near_0 = gradcheck([](auto&, auto& x) { return sum(relu(x[0])); }, {near});
  CHECK(relu_near_0.message == "");
  CHECK(relu_near_0.kinks >= 4);
  CHECK_THAT(relu_near_0.note, Contains("smaller steps"));

  const auto wrong = gradcheck([](auto&, auto& x) { return off_by(relu(x[0]), 1.0001); }, {zeros});
  CHECK(!wrong.ok);
  CHECK_THAT(wrong.message, Contains("at inputs moved by about 1 %"));
  CHECK(!gradcheck([](auto&, auto& x) { return off_by(relu(x[0]), 1.0001); }, {near}).ok);
}

TEST_CASE("gradcheck takes smaller steps where a step leaves the domain, and tells the edge of it") {
  for (const double x : {1e-2, 1e-4, 1e-8}) {
    const auto of = [&](auto f) { return gradcheck(f, {Tensor<double>(Shape{2}, x)}); };
    CHECK(of([](auto&, auto& v) { return log(v[0]); }).message == "");
    CHECK(of([](auto&, auto& v) { return sqrt(v[0]); }).message == "");
    CHECK(!of([](auto&, auto& v) { return off_by(log(v[0]), 1.0001); }).ok);
  }
  const Tensor<double> zeros(Shape{2}, 0.0);
  const auto edge = gradcheck([](auto&, auto& x) { return sqrt(x[0]); }, {zeros});
  CHECK(!edge.ok);
  CHECK_THAT(edge.message, Contains("the inputs lie at the edge of its domain"));
  const auto outside = gradcheck([](auto&, auto& x) { return log(x[0]); }, {zeros});
  CHECK(!outside.ok);
  CHECK(outside.message ==
        "[gradcheck] y[0] is -inf at the inputs themselves, where no derivative can be compared; choose "
        "others");
  const auto refusing = gradcheck(
      [](auto&, auto& x) {
        if (x[0].value()(0) > 1) fail("probability", "above 1");
        return square(x[0]);
      },
      {Tensor<double>(Shape{2}, 1 - 1e-7)});
  CHECK(refusing.message == "");
}

TEST_CASE("gradcheck of a constant function is a report") {
  const Tensor<double> x = normals({2}, 0);
  const auto constant = gradcheck([&](auto& tape, auto&) { return tape.constant(x); }, {x});
  CHECK(constant.message == "");
  CHECK(constant.checked == 4);
  CHECK_THAT(constant.note, Contains("f is constant here"));
  const auto stopped = gradcheck([](auto&, auto& v) { return stop_gradient(v[0]); }, {x});
  CHECK(!stopped.ok);
  CHECK_THAT(stopped.message,
             Contains("2 of 4 derivatives are wrong") && Contains("no gradient reaches the inputs at all"));
}

TEST_CASE("gradcheck tells a small derivative that is wrong, and one that it cannot judge") {
  const Tensor<double> one(Shape{1}, 1.0);
  const auto scaled = [](Var<double> x, double by, double slope) {
    return record("scaled", {x}, by * x.value(),
                  [x, slope](Var<double> y) { x.accumulate(slope * y.grad()); });
  };
  const auto beside_1 = [&](double slope) {
    return gradcheck([&](auto&, auto& x) { return scaled(x[0], 1e-12, slope) + x[1]; }, {one, one});
  };
  CHECK(beside_1(1e-12).message == "");
  const auto twice = beside_1(2e-12);
  CHECK(!twice.ok);
  CHECK_THAT(twice.message, Contains("1 of 2 derivatives is wrong") && Contains("∂y[0]/∂input 0[0]"));

  const auto drowned = gradcheck([&](auto&, auto& x) { return 1e8 + scaled(x[0], 1e-3, 1e-3); }, {one});
  CHECK(!drowned.ok);
  CHECK(drowned.undecided == 1);
  CHECK_THAT(drowned.message, Contains("1 of 1 derivatives cannot be decided") && Contains("±"));
  CHECK(gradcheck([](auto&, auto& x) { return square(x[0]); }, {Tensor<double>(Shape{2}, 1e8)}).message ==
        "");
}

TEST_CASE("gradcheck rejects a derivative wrong by 0.01 %, whatever the operation") {
  for (const tests::Row& row : tests::gradient_table()) {
    std::size_t rejected = 0;
    for (std::size_t k = 1; k < row.shapes.size(); k += 2) {
      INFO(row.name << " on " << to_string(row.shapes[k].front()));
      const auto report = gradcheck([&](auto&, auto& x) { return off_by(row.in_double(x), 1.0001); },
                                    tests::inputs_for(row, row.shapes[k]));
      // Of a constant, such as the softmax of one number, no derivative can be wrong.
      const bool is_constant = report.note.find("all derivatives are 0") != std::string::npos;
      CHECK(report.ok == is_constant);
      CHECK(report.undecided == 0);
      if (!report.ok) ++rejected;
    }
    INFO(row.name);
    CHECK(rejected >= 2);
  }
}
