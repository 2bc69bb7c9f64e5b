#include "strata/vae/distributions.hpp"

#include <catch2/catch.hpp>

#include "strata/autograd/operations.hpp"

using namespace strata;

TEST_CASE("Draws have their distribution's mean and spread") {
  Rng rng{2};
  Tape<double> tape;
  const std::size_t count = 20'000;
  const auto rows = [&](const Tensor<double>& row) {
    return broadcast(tape.constant(row), {count, row.size()});
  };
  const FullNormal<double> full{rows({1, -2}), rows({0.2, -0.4}), rows({0.7})};
  const Normal<double> shared{rows({1, -2}), tape.constant({0.3})};
  const Bernoulli<double> coins{rows({0, 2})};
  const auto mean_of = [](Var<double> x) { return mean(x, {0}).value(); };
  CHECK(xt::allclose(mean_of(sample(full, rng)), Tensor<double>{1, -2}, 0, 0.03));
  CHECK(xt::allclose(mean_of(sample(shared, rng)), Tensor<double>{1, -2}, 0, 0.03));
  CHECK(xt::allclose(mean_of(sample(coins, rng)), mean_of(mean(coins)), 0, 0.02));
  const auto z = sample_and_log_prob(full, Noise<double>(rng)).z - full.mean;
  const double covariance = mean(slice(z, 1, 0, 1) * slice(z, 1, 1, 2)).value()();
  CHECK(covariance == Approx(0.7 * std::exp(0.1)).epsilon(0.05));  // l_21 σ_1
}

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
