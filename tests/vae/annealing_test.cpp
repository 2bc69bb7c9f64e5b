#include "strata/vae/annealing.hpp"

#include <catch2/catch.hpp>

#include "strata/tests/vae/models/linear_chain.hpp"

using namespace strata;
using namespace strata::tests;

namespace {

Chain wrong_chain(std::size_t layers) {
  auto chain = make_chain(layers, PosteriorKind::normal, 0.5);
  diagonal(chain.model.q[0]).mean.bias.write() += 0.5;
  return chain;
}

}  // namespace

TEST_CASE("Annealing meets ln p(x) of chains whose encoders are wrong") {
  for (const std::size_t layers : {1, 2, 3}) {
    const auto chain = wrong_chain(layers);
    const Batch<double> x{1.5 * normals({3, chain_width}, 3)};
    const Matrix exact = exact_log_likelihood(chain, x.x.value());
    const AnnealingOptions options{.temperatures = 500, .seed = 1};
    const auto estimates = estimate_annealed(chain.model, x, options);
    INFO(layers << " layers");
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(std::abs(estimates[i].log_likelihood - exact(i)) < 4 * estimates[i].standard_error());
      CHECK(estimates[i].standard_error() < 0.25);
    }
    CHECK(estimate_annealed(chain.model, x.rows(0, 1), options)[0].log_likelihood ==
          estimates[0].log_likelihood);
  }
}

TEST_CASE("Weights stay unbiased however coarse the annealing: their mean is p(x)") {
  const auto chain = wrong_chain(1);
  const Matrix x = normals({1, chain_width}, 3);
  const double exact = exact_log_likelihood(chain, x)(0);
  Rng rng{2};
  const Annealing coarse(log_weight_of<double>(chain.model, {x}),
                         {.temperatures = 30, .chains = 2000, .leapfrog_steps = 2}, rng);
  const auto estimate = coarse.forward(rng);
  CHECK(std::abs(estimate.log_likelihood - exact) < 4 * estimate.standard_error());
  CHECK(estimate.standard_error() < 0.15);
  CHECK(estimate.effective_samples < 1500);  // coarse
}

TEST_CASE("On images that a model drew the bounds bracket ln p(x)") {
  for (const std::size_t layers : {1, 2}) {
    const auto chain = wrong_chain(layers);
    Rng rng{3};
    const auto drawn = simulate<double>(chain.model, 8, {}, rng);
    const Batch<double> x{drawn.mean + std::sqrt(chain_noise) * normals({8, chain_width}, 9)};
    const Matrix exact = exact_log_likelihood(chain, x.x.value());
    const auto brackets =
        bracket_simulated(chain.model, x, drawn.z, {.temperatures = 500, .chains = 16, .seed = 1});
    double below = 0, above = 0;
    for (std::size_t i = 0; i < 8; ++i) {
      const auto& [lower, upper] = brackets[i];
      CHECK(std::abs(lower.log_likelihood - exact(i)) < 4 * lower.standard_error());
      CHECK(std::abs(upper - exact(i)) < 4 * lower.standard_error());
      below += (brackets[i].lower.log_likelihood - exact(i)) / 8;
      above += (brackets[i].upper - exact(i)) / 8;
    }
    INFO(layers << " layers: " << below << ", " << above);
    CHECK(below < 0.2);
    CHECK(above > -0.2);
    CHECK(std::abs(above - below) < 0.3);
  }
}

TEST_CASE("Step sizes are tuned to the acceptance asked for, and nothing is annealed in 0 steps") {
  const auto chain = wrong_chain(2);
  const auto log_weight = log_weight_of<double>(chain.model, {normals({1, chain_width}, 3)});
  Rng rng{1};
  CHECK(Annealing(log_weight, {.temperatures = 400}, rng).acceptance() == Approx(0.65).margin(0.1));
  for (const AnnealingOptions& none : {AnnealingOptions{.temperatures = 0}, AnnealingOptions{.chains = 0},
                                       AnnealingOptions{.leapfrog_steps = 0}})
    CHECK_THROWS_WITH(Annealing(log_weight, none, rng),
                      "[Annealing] needs at least one temperature, one chain and one leapfrog step");
}
