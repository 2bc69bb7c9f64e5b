#include "strata/autograd/non_finite.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "strata/autograd/operations.hpp"

using namespace strata;
using Catch::Matchers::Contains;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
const double not_a_number = std::nan("");

// x, with a derivative that is not finite where x > 2
Var<double> wrong(Var<double> x) {
  return record("wrong", {x}, 1.0 * x.value(), [x](Var<double> y) {
    x.accumulate(map([](auto g, auto v) { return select(v > decltype(v)(2), g / decltype(v)(0), g); },
                     y.grad(), x.value()));
  });
}

}  // namespace

TEST_CASE("A tape of finite numbers has no origin of others") {
  Tape<double> tape;
  const auto y = sum(exp(tape.variable({1, 2})));
  CHECK(explain_non_finite(tape) == "");
  tape.backward(y);
  CHECK_FALSE(find_non_finite(tape));
}

TEST_CASE("The first operation is named whose value is not finite, with what it read") {
  Tape<double> tape;
  const auto x = tape.variable({{4, -0.5, 2}, {-3, 1, 1}});
  const auto u = log(x);
  const auto loss = mean(square(relu(u)));
  const auto origin = find_non_finite(tape);  // before any backward
  REQUIRE(origin);
  CHECK(origin->result.index() == u.index());
  CHECK_FALSE(origin->input);
  const std::string words =
      "`log` is NaN in 2 of 6 values, though all that it reads is finite: `variable` (2, 3) from -3 to 4";
  CHECK(explain_non_finite(tape) == words);
  tape.backward(loss);
  CHECK(explain_non_finite(tape) == words);
  CHECK(explain_non_finite(tape, {{}, {{"a", loss}, {"b", sum(x)}}}) == words + "; it goes into a");
}

TEST_CASE("Overflow is found before the NaN that comes of it, whatever hides it") {
  for (const int how : {0, 1, 2, 3, 4, 5}) {
    Tape<double> tape(how % 2 ? Record::values : Record::gradients);
    const auto x = tape.variable({1, 800});
    const auto e = exp(x), lost = e - e;
    const auto zero = tape.constant({0, 0});
    const Var<double> hidden[] = {relu(lost),          maximum(lost, zero),
                                  minimum(zero, lost), clamp(lost, 0, 1),
                                  max(lost, {0}),      where(stop_gradient(lost), zero, zero)};
    (void)(stop_gradient(hidden[how]) * x);
    CHECK_THAT(explain_non_finite(tape),
               Contains("`exp` is ∞ in 1 of 2 values") && Contains("from 1 to 800"));
    CHECK(std::isnan(sum(hidden[how]).value()()));
  }
}

TEST_CASE("An infinity that leads nowhere is not blamed") {
  Tape<double> tape;
  const auto mask = tape.constant({0, -inf});
  const auto x = tape.variable({-1, 2});
  const auto y = sum(softmax(x + mask) * log(x));
  tape.backward(y);
  CHECK_THAT(explain_non_finite(tape), Contains("`log` is NaN in 1 of 2 values"));
}

TEST_CASE("A tensor that was not finite from the start is named by its path") {
  Tape<double> tape;
  const Versioned<double> weight = Tensor<double>{{1, not_a_number}, {inf, -inf}},
                          other = Tensor<double>{1, 2};
  const Names<double> names{
      {{&weight.value(), "encoder.hidden.weight"}, {&other.value(), "encoder.hidden.bias"}}};
  const auto y = affine(tape.variable({{1, 2}}), tape.reference(weight), tape.reference(other));
  CHECK(explain_non_finite(tape, names) ==
        "`encoder.hidden.weight` is NaN in 1 and ∞ in 1 and −∞ in 1 of 4 values");
  CHECK(explain_non_finite(tape) == "`reference` is NaN in 1 and ∞ in 1 and −∞ in 1 of 4 values");
  (void)y;
}

TEST_CASE("The modules are named that lead to an operation") {
  Tape<float> tape;
  const Versioned<float> weight = Tensor<float>{{3, 0}, {0, 3}}, bias = Tensor<float>{0, 0},
                         first = Tensor<float>{{1, 0}, {0, 1}};
  const Names<float> names{{{&first.value(), "q.first.weight"},
                            {&weight.value(), "q.scale.weight"},
                            {&bias.value(), "q.scale.bias"}}};
  const auto x = matmul(tape.constant({{10, 50}}), tape.reference(first));
  const auto s = affine(x, tape.reference(weight), tape.reference(bias));
  const auto y = exp(s) * tape.constant({2, 2});
  CHECK(explain_non_finite(tape, names) ==
        "`exp` is ∞ in 1 of 2 values, though all that it reads is finite: `affine` of `q.scale` (1, 2) from "
        "30 to 150");
  (void)y;
}

TEST_CASE("A derivative that is not finite is found by going back once more") {
  Tape<double> tape;
  Versioned<double> weight = Tensor<double>{2, 3};
  Gradient<double> gradient;
  const auto w = tape.reference(weight, &gradient);
  const auto u = wrong(w);
  const auto loss = sum(0.5 * u + square(w));
  tape.backward(loss);
  CHECK(std::isinf(gradient.value(1)));
  const auto origin = find_non_finite(tape);
  REQUIRE(origin);
  CHECK(origin->result.index() == u.index());
  CHECK(origin->input.index() == w.index());
  CHECK_FALSE(gradient.received);  // what was collected is worth nothing
  CHECK(explain_non_finite(tape, {{{&weight.value(), "head.weight"}}, {{"the penalty", loss}}}) ==
        "the derivative of `wrong` of `head` makes of a gradient (2) from 0.5 to 0.5 one that is ∞ in 1 of 2 "
        "values; it reads `head.weight` (2) from 2 to 3; it goes into the penalty");
  weight.write() = Tensor<double>{1, 1};
  CHECK(explain_non_finite(tape) == "");  // no more to be repeated
  tape.reset();
  tape.backward(sum(wrong(tape.reference(weight, &gradient))));
  CHECK((gradient.value == Tensor<double>{1, 1}));
  CHECK(explain_non_finite(tape) == "");
}

TEST_CASE("The derivative is found with a cotangent, too, and through sums") {
  Tape<double> tape;
  const auto x = tape.variable({0, 4});
  const auto y = sqrt(x) + 3 * x;
  tape.backward(y, {2, 1});
  CHECK_THAT(
      explain_non_finite(tape),
      Contains("the derivative of `sqrt` makes of a gradient (2) from 1 to 2 one that is ∞ in 1 of 2") &&
          Contains("`variable` (2) from 0 to 4"));
}

TEST_CASE("A tensor that is no more is not read") {
  Tape<double> tape;
  {
    const Versioned<double> gone = Tensor<double>{-1, 2};
    (void)log(tape.reference(gone));
  }
  CHECK_THAT(explain_non_finite(tape),
             Contains("`log` is NaN in 1 of 2 values") && Contains("`reference` changed since"));
}

TEST_CASE("A finite gradient is found where it passes a bound") {
  Tape<float> tape;
  const auto x = tape.variable({1, 2});
  tape.backward(sum(3.0f * (1e20f * x)));
  CHECK(explain_non_finite(tape) == "");
  CHECK(explain_non_finite(tape, {}, 1e19f) ==
        "the derivative of `multiply_scalar` makes of a gradient (2) from 3 to 3 one (2) from 3e+20 to "
        "3e+20; it reads `variable` (2) from 1 to 2");
  CHECK(explain_non_finite(tape, {}, 1e21f) == "");
}
