#include "strata/nn/parameter.hpp"

#include <catch2/catch.hpp>

#include "strata/autograd/arithmetic.hpp"
#include "strata/autograd/linear_algebra.hpp"
#include "strata/autograd/reduce.hpp"
#include "strata/nn/checkpoint.hpp"
#include "strata/nn/mlp.hpp"
#include "strata/nn/optimizer.hpp"
#include "strata/tests/random_tensor.hpp"

using namespace strata;
using Catch::Matchers::Contains;
using tests::normals;

namespace {

Tensor<double> matrix(double entry) { return Tensor<double>(Shape{1, 1}, entry); }

Mlp<double> network(std::uint64_t seed) {
  Rng rng{seed};
  return Mlp<double>(2, {3, 3}, {.activation = Activation::tanh, .batch_norm = true}, rng);
}

}  // namespace

TEST_CASE("backward after an optimizer's step is refused, and leaves gradients as they were") {
  Parameter<double> a{matrix(2)}, b{matrix(5)};
  Optimizer<double> only_b({{"b", &b}}, Sgd{}, 1.0);
  Tape<double> tape;
  const auto x = tape.variable(matrix(3));
  const auto y = matmul(matmul(x, a.on(tape)), b.on(tape));  // 3 a b
  tape.backward(sum(y));
  CHECK(a.gradient.value(0, 0) == 15);
  tape.backward(sum(y));  // nothing has changed
  CHECK(a.gradient.value(0, 0) == 30);
  only_b.step();
  CHECK_THROWS_WITH(
      tape.backward(sum(y)),
      "[backward] the tensor 'b' that 'matmul' reads was changed since the tape refers to it, "
      "and is (1, 1) now; call backward before the optimizer's step or any other write, or record the "
      "forward pass again");
  CHECK_THROWS_WITH(tape.backward(y, matrix(1)), Contains("was changed since the tape refers to it"));
  CHECK(a.gradient.value(0, 0) == 30);
  CHECK(!b.gradient.received);
  CHECK(x.grad()(0, 0) == 10);  // of the last backward
  a.gradient.received = false;
  tape.reset();
  tape.backward(sum(matmul(matmul(tape.constant(matrix(3)), a.on(tape)), b.on(tape))));
  CHECK(a.gradient.value(0, 0) == 3 * b.value()(0, 0));
}

TEST_CASE("backward is refused after a change of whatever kind, be the parameter frozen or not") {
  const auto refused = [](const char* how, auto change) {
    for (const bool frozen : {false, true}) {
      INFO(how << (frozen ? ", frozen" : ""));
      auto model = network(1), other = network(2);
      if (frozen) freeze(model);
      Tape<double> tape;
      const auto x = tape.variable(normals({4, 2}, 1));
      const auto y = sum(model(x));
      change(model, other);
      CHECK_THROWS_WITH(tape.backward(y), Contains("a tensor that 'affine' reads was"));
      CHECK(!x.has_grad());
    }
  };
  using Model = Mlp<double>;
  refused("a write", [](Model& m, Model&) { m.layers[1].linear.weight.write()(0, 1) = 2; });
  refused("another shape", [](Model& m, Model&) { m.layers[0].linear.bias.write() = normals({7}, 1); });
  refused("another parameter", [](Model& m, Model&) {
    m.layers[0].linear.weight = Parameter<double>{normals({2, 3}, 1)};
  });
  refused("another model", [](Model& m, Model& other) { m = other; });
  refused("another model, moved from", [](Model& m, Model& other) { m = std::move(other); });
  refused("a swap", [](Model& m, Model& other) { std::swap(m.layers[1].linear, other.layers[1].linear); });
  refused("the end", [](Model& m, Model&) { m.layers.clear(); });
  refused("a checkpoint", [](Model& m, Model& other) {
    Safetensors file;
    store(other, file);
    restore(m, file);
  });
}

TEST_CASE("A parameter that ended in a parameter's place is told from it") {
  std::optional<Parameter<double>> weight{Parameter<double>{Tensor<double>{1}}};
  Tape<double> tape;
  const auto y = sum(weight->on(tape));
  weight.emplace(Parameter<double>{Tensor<double>{2}});
  CHECK_THROWS_WITH(tape.backward(y),
                    "[backward] a tensor that 'sum' reads was destroyed since the tape "
                    "refers to it; it must outlive the step");
}

TEST_CASE("Only what was recorded before y matters, and running statistics not at all") {
  auto model = network(1);
  Tape<double> tape;
  const auto x = tape.constant(normals({4, 2}, 1));
  Rng rng;
  const auto y = sum(model(x, training(rng)) * model(x, training(rng)));
  auto later = network(2);
  const auto z = sum(later(x)) + y;
  later.layers[0].linear.weight.write() *= 2;
  CHECK_THROWS(tape.backward(z));
  tape.backward(y);
  CHECK(model.layers[0].linear.weight.gradient.received);
}

TEST_CASE("A buffer to which a tape refers must not change either") {
  Buffer<double> codes{normals({3, 2}, 1)};
  Tape<double> tape;
  const auto x = tape.variable(normals({4, 3}, 2));
  const auto y = sum(matmul(x, tape.reference(codes)));
  tape.backward(y);
  codes.write() *= 0.5;
  CHECK_THROWS_WITH(tape.backward(y), Contains("a tensor that 'matmul' reads was changed"));
}

TEST_CASE("Copies of a parameter have versions of their own") {
  Parameter<double> weight{Tensor<double>{2}};
  Tape<double> tape;
  const auto y = sum(weight.on(tape) * 3);
  auto copy = weight;
  copy.write()(0) = 7;
  tape.backward(y);
  CHECK(weight.gradient.value(0) == 3);
  CHECK(!copy.gradient.received);
  CHECK(weight.value()(0) == 2);
}
