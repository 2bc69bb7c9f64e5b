#include "strata/vae/distributions.hpp"

#include <catch2/catch.hpp>

#include "strata/autograd/gradcheck.hpp"
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

TEST_CASE("A draw's log density is that of any point: value and gradients") {
  Rng rng{3};
  const auto random = [&](const Shape& shape) {
    auto x = Tensor<double>::from_shape(shape);
    fill_normal(rng, x);
    return x;
  };
  const auto mean = random({4, 3}), log_variance = random({4, 3}), lower = random({4, 3});
  const auto check = [&](auto make) {
    Tape<double> tape;
    const auto drawn = sample_and_log_prob(make(tape), Noise<double>(rng));
    CHECK(xt::allclose(log_prob(make(tape), drawn.z).value(), drawn.log_prob.value(), 1e-12, 1e-12));
    CHECK_THROWS_WITH(log_prob(make(tape), tape.constant(random({4, 2}))),
                      "[log_prob] x is (4, 2), the normal's mean is (4, 3)");
  };
  check([&](Tape<double>& tape) { return Normal<double>{tape.constant(mean), tape.constant(log_variance)}; });
  check([&](Tape<double>& tape) {
    return FullNormal<double>{tape.constant(mean), tape.constant(log_variance), tape.constant(lower)};
  });
  const auto report = gradcheck(
      [](auto&, auto& v) {
        return log_prob(FullNormal<double>{v[0], v[1], v[2]}, v[3]);
      },
      {mean, log_variance, lower, random({4, 3})});
  CHECK(report.message == "");
}
