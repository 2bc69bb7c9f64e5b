#include "strata/autograd/tape.hpp"

#include <catch2/catch.hpp>

#include "strata/autograd/elementwise.hpp"
#include "strata/autograd/linear_algebra.hpp"
#include "strata/autograd/probability.hpp"
#include "strata/autograd/reduce.hpp"

using namespace strata;

TEST_CASE("Gradients flow to every use of a variable, and not into constants") {
  Tape<double> tape;
  const auto x = tape.variable({{1, 2}, {3, 4}});
  const auto c = tape.constant({{5, 6}, {7, 8}});
  const auto y = sum(x * x * c + x);
  CHECK(y.value()() == 5 * 1 + 6 * 4 + 7 * 9 + 8 * 16 + 10);
  tape.backward(y);
  CHECK((x.grad() == Tensor<double>{{11, 25}, {43, 65}}));
  CHECK(!c.has_grad());
  CHECK_THROWS_WITH(
      c.grad(),
      "[grad] no gradient reached this 'constant' of shape (2, 2); it is a constant, or depends on "
      "constants only");
}

TEST_CASE("A variable that is not on the path has no gradient") {
  Tape<double> tape;
  const auto x = tape.variable({1, 2}), unused = tape.variable({3, 4});
  tape.backward(sum(x));
  CHECK(x.has_grad());
  CHECK(!unused.has_grad());
  CHECK_THROWS_WITH(unused.grad(),
                    Catch::Matchers::Contains("call backward on something that depends on it"));
}

TEST_CASE("A second backward replaces the tape's gradients and adds to those of references") {
  Tape<double> tape;
  Versioned<double> weight(Tensor<double>{1, 2});
  Gradient<double> gradient;
  const auto w = tape.reference(weight, &gradient);
  const auto x = tape.variable({3, 4});
  const auto y = sum(w * x);
  tape.backward(y);
  tape.backward(y);
  CHECK((x.grad() == Tensor<double>{1, 2}));
  CHECK((gradient.value == Tensor<double>{6, 8}));
  gradient.received = false;
  tape.backward(y);
  CHECK((gradient.value == Tensor<double>{3, 4}));
}

TEST_CASE("Gradients are those of the last backward alone, also on what was recorded later") {
  Tape<double> tape;
  const auto x = tape.variable({3, 4});
  const auto y = sum(x), u = square(x), z = sum(u);
  tape.backward(z);
  CHECK(u.has_grad());
  tape.backward(y);
  CHECK(!u.has_grad());
  CHECK(!z.has_grad());
  CHECK((x.grad() == Tensor<double>{1, 1}));
}

TEST_CASE("backward belongs to the tape of its variable") {
  Tape<double> tape, other;
  const auto y = sum(tape.variable({3, 4}));
  CHECK_THROWS_WITH(other.backward(y), "[backward] y lies on another tape; call that tape's backward");
  CHECK_THROWS_WITH(other.backward(y, Tensor<double>(Shape{}, 1.0)),
                    "[backward] y lies on another tape; call that tape's backward");
}

TEST_CASE("A cotangent weighs the outputs") {
  Tape<double> tape;
  const auto x = tape.variable({1, 2, 3});
  tape.backward(square(x), {1, 0, -1});
  CHECK((x.grad() == Tensor<double>{2, 0, -6}));
  CHECK_THROWS_WITH(tape.backward(square(x), {1, 2}), "[backward] the cotangent is (2), y is (3)");
}

TEST_CASE("Buffers stay where they are from step to step") {
  Tape<double> tape;
  const double* value = nullptr;
  for (int step = 0; step < 3; ++step) {
    tape.reset();
    const auto x = tape.variable({1.0 * step, 2.0});
    const auto y = tanh(x) * x;
    tape.backward(sum(y));
    if (step > 0) CHECK(y.value().data() == value);
    value = y.value().data();
    CHECK(x.grad()(0) == Approx(std::tanh(step) + step * (1 - std::tanh(step) * std::tanh(step))));
    CHECK(tape.size() == 4);
  }
}

TEST_CASE("A variable that outlives its step is caught") {
  Tape<double> tape;
  const auto x = tape.variable({1, 2});
  tape.reset();
  const auto y = tape.variable({3, 4});
  CHECK_THROWS_WITH(x.value(), Catch::Matchers::Contains("a variable of an earlier step is used"));
  CHECK_THROWS_WITH(x + y, Catch::Matchers::Contains("a variable of an earlier step is used"));
  CHECK_THROWS_WITH(Var<double>().value(), Catch::Matchers::Contains("an empty variable is used"));
}

TEST_CASE("A tape that records values only keeps no derivatives") {
  Tape<double> tape(Record::values);
  const auto y = sum(exp(tape.variable({1, 2})));
  CHECK(y.value()() == Approx(std::exp(1) + std::exp(2)));
  CHECK_THROWS_WITH(tape.backward(y), Catch::Matchers::Contains("the tape records values only"));
}

TEST_CASE("A tape of inputs differentiates with respect to its own variables alone") {
  Tape<double> tape(Record::inputs);
  const Versioned<double> weight(Tensor<double>{2, 3});
  Gradient<double> gradient;
  const auto x = tape.variable({5.0, 7.0});
  const auto w = tape.reference(weight, &gradient);
  CHECK_FALSE(w.needs_grad());
  tape.backward(sum(w * x));
  CHECK((x.grad() == weight.value()));
  CHECK_FALSE(gradient.received);
  CHECK_THROWS(tape.backward(sum(w)));
}

TEST_CASE("Errors name the operation and the shapes") {
  Tape<double> tape, other;
  const auto a = tape.variable(xt::ones<double>({2, 3})), b = tape.variable(xt::ones<double>({4}));
  CHECK_THROWS_WITH(a + b, "[add] shapes do not broadcast: (2, 3), (4)");
  CHECK_THROWS_WITH(maximum(a, b), "[maximum] shapes do not broadcast: (2, 3), (4)");
  CHECK_THROWS_WITH(normal_log_density(a, a, b),
                    Catch::Matchers::Contains("[normal_log_density] a parameter (4) does not broadcast"));
  CHECK_THROWS_WITH(a * other.variable({1}),
                    "[multiply] its inputs lie on different tapes; make them all on one");
  CHECK_THROWS_WITH(matmul(a, a), "[matmul] inner dimensions differ: a is (2, 3), b is (2, 3)");
  CHECK_THROWS_WITH(
      tape.backward(a),
      "[backward] needs a scalar, but y is (2, 3); reduce it with sum or mean, or give a cotangent of its "
      "shape");
  CHECK_THROWS_WITH(tape.backward(sum(tape.constant({1, 2}))),
                    "[backward] this 'sum' depends on nothing that needs a gradient");
  CHECK_THROWS_AS(a + b, std::invalid_argument);
}

TEST_CASE("A derivative of a wrong shape is refused and named") {
  Tape<double> tape;
  const auto x = tape.variable({1, 2, 3});
  const auto y = record("broken", {x}, 2.0 * x.value(), [x](Var<double>) {
    x.accumulate(Tensor<double>{1, 2});
  });
  CHECK_THROWS_WITH(tape.backward(sum(y)), "[broken] a derivative has shape (2), its input (3)");
}

TEST_CASE("The tape still works after an operation failed on it") {
  Tape<double> tape;
  const auto x = tape.variable({1, 2});
  CHECK_THROWS(x + tape.variable({1, 2, 3}));
  const auto y = sum(square(x));
  tape.backward(y);
  CHECK((x.grad() == Tensor<double>{2, 4}));
}

TEST_CASE("A hook sees a gradient once it is complete, and may change what flows on") {
  Tape<double> tape;
  for (int step = 0; step < 2; ++step) {
    tape.reset();
    const auto x = tape.variable({1, 2});
    const auto u = 3 * x;
    const auto y = sum(u * u + u);
    Tensor<double> seen;
    int calls = 0;
    tape.on_gradient(u, [&](Tensor<double>& gradient) {
      seen = gradient;
      gradient *= 10.0;
      ++calls;
    });
    tape.on_gradient(x, [&](Tensor<double>&) { ++calls; });
    tape.on_gradient(tape.variable({1}), [&](Tensor<double>&) { calls += 100; });  // y depends not on it
    tape.backward(y);
    CHECK(calls == 2);
    CHECK((seen == Tensor<double>{7, 13}));
    CHECK((x.grad() == Tensor<double>{210, 390}));
  }
}

TEST_CASE("A reference without a gradient takes part as a constant") {
  Tape<double> tape;
  const Versioned<double> frozen(Tensor<double>{{1, 2}, {3, 4}});
  const auto w = tape.reference(frozen), x = tape.variable({{1, 1}});
  CHECK(w.value().data() == frozen.value().data());
  CHECK(!w.needs_grad());
  tape.backward(sum(matmul(x, w)));
  CHECK((x.grad() == Tensor<double>{{3, 7}}));
  CHECK(!w.has_grad());
  CHECK_THROWS_WITH(tape.backward(sum(w)), Catch::Matchers::Contains("depends on nothing that needs a"));
}

TEST_CASE("Scratch buffers stay in place from step to step, forward and backward") {
  Tape<double> tape;
  const double* before[2] = {};
  for (int step = 0; step < 3; ++step) {
    tape.reset();
    const auto x = tape.variable({1, 2});
    const auto& forward = tape.scratch(2.0 * x.value());
    const double* backward = nullptr;
    const auto y = record("uses_scratch", {x}, x.value() * forward, [&, x](Var<double> v) {
      const auto& slope = v.tape().scratch(4.0 * x.value() * v.grad());
      backward = slope.data();
      x.accumulate(slope);
    });
    tape.backward(sum(y));
    tape.backward(sum(y));
    CHECK((x.grad() == Tensor<double>{4, 8}));
    if (step > 0) CHECK((before[0] == forward.data() && before[1] == backward));
    before[0] = forward.data();
    before[1] = backward;
  }
}
