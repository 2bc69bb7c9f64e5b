#include "strata/vae/distributions.hpp"

#include <catch2/catch.hpp>

#include "strata/autograd/operations.hpp"

using namespace strata;

TEST_CASE("The KL of a normal with itself is 0, however small or large its variance") {
  for (const float log_variance : {-200.0f, -176.8f, -100.0f, -17.0f, 0.0f, 88.0f, 170.0f}) {
    Tape<float> tape;
    const auto mean = tape.variable(Tensor<float>(Shape{1, 1}, 1.0f));
    const auto variance = tape.variable(Tensor<float>(Shape{1, 1}, log_variance));
    const auto fixed_mean = stop_gradient(mean), fixed_variance = stop_gradient(variance);
    const auto y = kl(Normal<float>{mean, variance}, Normal<float>{fixed_mean, fixed_variance});
    tape.backward(sum(y));
    INFO("ln σ² = " << log_variance);
    CHECK(y.value()(0) == 0);
    CHECK(mean.grad()(0) == 0);
    CHECK(variance.grad()(0) == 0);
  }
}
