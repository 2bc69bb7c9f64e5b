#include "strata/vae/refinement.hpp"

#include <catch2/catch.hpp>
#include <xtensor-blas/xlinalg.hpp>

#include "strata/tests/vae/models/linear_chain.hpp"

using namespace strata;
using namespace strata::tests;

TEST_CASE("A refined proposal meets ln p(x) of chains whose encoders are wrong, with most draws") {
  for (const std::size_t layers : {1, 2, 3}) {
    auto chain = make_chain(layers, PosteriorKind::normal, 0.5);
    diagonal(chain.model.q[0]).mean.bias.write() += 0.5;
    const Batch<double> x{1.5 * normals({3, chain_width}, 3)};
    const Matrix exact = exact_log_likelihood(chain, x.x.value());
    const RefinementOptions options{.samples = 2000, .seed = 1, .counts = {100}};
    const auto estimates = estimate_refined(chain.model, x, options);
    INFO(layers << " layers");
    REQUIRE(estimates.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(std::abs(estimates[i].log_likelihood - exact(i)) < 4 * estimates[i].standard_error());
      CHECK(estimates[i].effective_samples > 1000);
      CHECK(estimates[i].samples == 2000);
      CHECK(std::abs(estimates[i].after.at(0) - exact(i)) < 0.2);
    }
    // An image's estimate does not depend on its company.
    CHECK(estimate_refined(chain.model, x.rows(0, 1), options)[0].log_likelihood ==
          estimates[0].log_likelihood);
  }
}

TEST_CASE("Where the encoder is the posterior a proposal stays as it starts, and every draw counts") {
  const auto chain = make_chain(2, PosteriorKind::full);
  const auto log_weight = log_weight_of<double>(chain.model, {normals({1, chain_width}, 3)});
  Rng rng{1};
  const auto proposal = fit_proposal(log_weight, {.steps = 100}, rng);
  CHECK(xt::allclose(proposal.mean, 0, 0, 0.01));  // Adam makes steps of rounding errors
  CHECK(xt::allclose(proposal.factor, xt::eye<double>(7), 0, 0.01));
  const auto estimate =
      sample_proposal(log_weight, proposal, {.samples = 500, .widening = 1, .wide = 1}, rng);
  CHECK(estimate.effective_samples == Approx(500).epsilon(1e-3));
  CHECK_THROWS_WITH(sample_proposal(log_weight, proposal, {.samples = 0}, rng),
                    "[sample_proposal] needs at least one sample");
}

TEST_CASE("A proposal in many dimensions is found as well") {
  // N(ε; 0, I) w(ε) = e^−100 N(ε; m, diag s²)
  constexpr std::size_t width = 150;
  const Matrix m = normals({width}, 1), s = 0.3 * normals({width}, 2);  // s: ln of the deviations
  const LogWeight log_weight(width, [&](const Matrix& epsilon, Matrix& value, Matrix* gradient) {
    const Matrix scaled = (epsilon - m) * xt::exp(-s);
    value = -100.0 + 0.5 * xt::sum(epsilon * epsilon - scaled * scaled, {1}) - xt::sum(s)();
    if (gradient) *gradient = epsilon - scaled * xt::exp(-s);
  });
  Rng rng{1};
  const RefinementOptions options;
  const auto estimate = sample_proposal(log_weight, fit_proposal(log_weight, options, rng), options, rng);
  CHECK(std::abs(estimate.log_likelihood + 100) < 4 * estimate.standard_error());
  CHECK(estimate.effective_samples > 100);
}

TEST_CASE("Where a fit is not finite the encoder's draws are taken, and it is said") {
  const auto estimate = [](double slope) {  // w = e^ε, whose mean is √e, with a derivative that may be wrong
    const LogWeight log_weight(1, [=](const Matrix& epsilon, Matrix& value, Matrix* gradient) {
      value = xt::view(epsilon, xt::all(), 0);
      if (gradient) gradient->fill(slope);
    });
    Rng rng{1};
    return estimate_refined(log_weight, {.samples = 20'000, .steps = 100}, rng);
  };
  const auto fitted = estimate(1), lost = estimate(std::nan(""));
  CHECK(fitted.fitted);
  CHECK_FALSE(lost.fitted);
  CHECK(std::abs(lost.log_likelihood - 0.5) < 4 * lost.standard_error());
  CHECK(lost.effective_samples == Approx(20'000 / std::exp(1)).epsilon(0.1));  // (E w)² / E w²
  CHECK(fitted.effective_samples > 1.5 * lost.effective_samples);

  const LogWeight never(1, [](const Matrix& epsilon, Matrix& value, Matrix* gradient) {
    value = std::nan("") * xt::view(epsilon, xt::all(), 0);
    if (gradient) gradient->fill(0);
  });
  Rng rng{1};
  CHECK_THROWS_WITH(estimate_refined(never, {.samples = 10}, rng),
                    "[importance] the logarithm of weight 1 is NaN");
}

TEST_CASE("Weights are those of the mixture of both widths, whatever the proposal") {
  const NoiseProposal proposal{{1, -2}, {{2, 0}, {0.5, 0.7}}};
  const RefinementOptions options{.samples = 600, .widening = 1.2, .wide = 2};  // in two parts, of 512 and 88
  std::vector<Matrix> parts;
  const LogWeight log_weight(2, [&](const Matrix& epsilon, Matrix& value, Matrix*) {
    parts.push_back(epsilon);
    value = xt::sum(epsilon, {1});
  });
  Rng rng{1}, same = rng;
  const double estimate = sample_proposal(log_weight, proposal, options, rng).log_likelihood;

  const Matrix covariance = dot(proposal.factor, transposed(proposal.factor));
  const Matrix precision = xt::linalg::inv(covariance);
  const auto density = [&](const Matrix& x, double scale) {  // N(x; 0, scale² covariance) 2π
    const double squares = dot(dot(x, precision), x)();
    return std::exp(-squares / (2 * scale * scale)) /
           (scale * scale * std::sqrt(xt::linalg::det(covariance)));
  };
  double sum = 0;
  std::size_t row = 0;
  for (const Matrix& part : parts) {
    Matrix eta(part.shape());
    fill_normal(same, eta);
    for (std::size_t i = 0; i < part.shape(0); ++i, ++row) {
      const Matrix epsilon = xt::view(part, i), scaled = (row % 5 == 4 ? 2 : 1.2) * xt::view(eta, i);
      const Matrix x = epsilon - proposal.mean;
      CHECK(xt::allclose(x, dot(proposal.factor, scaled)));
      const double q = 0.8 * density(x, 1.2) + 0.2 * density(x, 2);
      sum += std::exp(xt::sum(epsilon)() - xt::sum(epsilon * epsilon)() / 2) / q;
    }
  }
  CHECK(row == 600);
  CHECK(estimate == Approx(std::log(sum / 600)).epsilon(1e-12));
}
