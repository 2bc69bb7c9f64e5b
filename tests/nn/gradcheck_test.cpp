#include "strata/nn/gradcheck.hpp"

#include <catch2/catch.hpp>

#include "strata/autograd/arithmetic.hpp"
#include "strata/autograd/elementwise.hpp"
#include "strata/autograd/reduce.hpp"
#include "strata/nn/mlp.hpp"
#include "strata/tests/random_tensor.hpp"

using namespace strata;
using tests::normals;

TEST_CASE("A relu network is right though kinks lie within the first step") {
  Rng rng{1};
  const Mlp<double> mlp(20, {50, 50}, {.activation = Activation::relu, .init = Init::he_with_biases}, rng);
  auto checked = mlp;
  const auto report = gradcheck(checked, [&](auto& tape) {
    return sum(checked(tape.constant(normals({64, 20}, 2))));
  });
  CHECK(report.message == "");
  CHECK(report.checked == parameter_count(mlp));
  CHECK(report.kinks > 0);
  CHECK(report.undecided <= 2);  // of 3,600, which have kinks at the moved points too
  CHECK(report.error < 1e-7);
}

TEST_CASE("Activations at their kink, from blank rows and biases of 0, are compared beside it") {
  for (const auto activation : {Activation::relu, Activation::leaky_relu}) {
    Rng rng{3};
    Mlp<double> mlp(4, {5}, {.activation = activation, .init = Init::he}, rng);
    Tensor<double> x(Shape{3, 4}, 0.0);
    x(0, 1) = 1;
    const auto report = gradcheck(mlp, [&](auto& tape) { return sum(mlp(tape.constant(x))); });
    CHECK(report.message == "");
    CHECK(report.kinks == 5);
  }
}

TEST_CASE("Gradient checks leave buffers, parameters and gradients as they were") {
  Rng rng{3};
  Mlp<double> mlp(4, {5}, {.activation = Activation::tanh, .batch_norm = true}, rng);
  const Tensor<double> x = normals({8, 4}, 1) + 3.0;
  BatchNorm<double>& norm = *mlp.layers[0].norm;
  norm.gamma.gradient = {normals({5}, 4), true};
  const Tensor<double> mean = norm.running_mean.value(), variance = norm.running_variance.value();
  const auto report = gradcheck(mlp, [&](auto& tape) {
    Rng noise{1};
    const auto inferred = mlp(tape.constant(x));  // with the running averages, which training then moves
    return sum(square(inferred)) + sum(square(mlp(tape.constant(x), training(noise))));
  });
  CHECK(report.message == "");
  CHECK((norm.running_mean.value() == mean));
  CHECK((norm.running_variance.value() == variance));
  CHECK((norm.gamma.gradient.value == normals({5}, 4)));
  CHECK(norm.gamma.gradient.received);
  CHECK(!norm.beta.gradient.received);
}

TEST_CASE("A parameter that the checked function changes after its use is named by its path") {
  Rng rng{3};
  Mlp<double> mlp(4, {5}, {.activation = Activation::tanh}, rng);
  const auto decaying = [&](auto& tape) {
    const auto y = sum(mlp(tape.constant(normals({8, 4}, 1))));
    mlp.layers[0].linear.weight.write() *= 0.9;
    return y;
  };
  CHECK_THROWS_WITH(gradcheck(mlp, decaying),
                    Catch::Matchers::StartsWith("[backward] the tensor '0.weight' that"));
}
