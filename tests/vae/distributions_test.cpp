#include "strata/vae/distributions.hpp"

#include <catch2/catch.hpp>
#include <cmath>

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

TEST_CASE("A divergence's rows are q's: what p would add to them is refused") {
  Tape<double> tape;
  const auto at = [&](const Shape& shape) { return tape.constant(Tensor<double>(shape, 0.5)); };
  const Normal<double> q{at({3, 2}), at({3, 2})};
  CHECK(kl(q, Normal<double>{at({2}), at({})}).shape() == Shape{3});
  CHECK(kl(q, Normal<double>{at({3, 1}), at({1, 2})}).shape() == Shape{3});
  CHECK_THROWS_WITH(kl(Normal<double>{at({3}), at({3})}, Normal<double>{at({3, 1}), at({1})}),
                    "[kl] p's mean (3, 1) does not broadcast to q's (3)");
  CHECK_THROWS_WITH(kl(q, Normal<double>{at({3, 2}), at({4, 3, 2})}),
                    "[kl] p's log variance (4, 3, 2) does not broadcast to q's (3, 2)");
  CHECK_THROWS_WITH(kl(FullNormal<double>{at({2}), at({2}), at({3, 1})}, standard_normal),
                    "[kl] q.lower's rows (3) does not broadcast to q's ()");
  CHECK_THROWS_WITH(log_prob(q, at({3, 1})), Catch::Matchers::Contains("[log_prob] x is (3, 1)"));
  CHECK_THROWS_WITH(log_prob(Bernoulli<double>{at({3, 2})}, at({2})),
                    Catch::Matchers::Contains("shapes differ"));
}

TEST_CASE("A normal of one shared variance is that of as many equal ones, in every function") {
  Tape<double> tape;
  Rng rng{4};
  const auto mean = Noise<double>(rng).normal(tape, {5, 3}), row = tape.variable({0.3, -0.4, 0.7});
  const Normal<double> shared{mean, row}, whole{mean, broadcast(row, {5, 3})};
  const Tensor<double> epsilon = Noise<double>(rng).normal(tape, {5, 3}).value();
  const auto drawn = [&](const Normal<double>& p) {
    return sample_and_log_prob(p, Noise<double>::given({epsilon}));
  };
  CHECK((drawn(shared).z.value() == drawn(whole).z.value()));
  CHECK((drawn(shared).log_prob.value() == drawn(whole).log_prob.value()));
  CHECK((kl(shared, standard_normal).value() == kl(whole, standard_normal).value()));
  CHECK((kl(shared, whole).value() == kl(whole, shared).value()));
  const auto times = repeat_rows(shared, 3), expected = repeat_rows(whole, 3);
  CHECK((times.log_variance.value() == expected.log_variance.value()));
  CHECK((log_prob(times, times.mean).value() == log_prob(expected, expected.mean).value()));
}

TEST_CASE("A coin of unknown probability is not tossed: NaN stays") {
  Tape<double> tape;
  Rng rng{5};
  const auto x = sample(Bernoulli<double>{tape.constant({{std::nan(""), 800, -800}})}, rng).value();
  CHECK(std::isnan(x(0, 0)));
  CHECK(x(0, 1) == 1);
  CHECK(x(0, 2) == 0);
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
