// A warm training step allocates nothing, whatever the model: counted over the whole process.
#include <catch2/catch.hpp>

#include "strata/autograd/operations.hpp"
#include "strata/nn/ema.hpp"
#include "strata/tools/benchmark/allocation_counter.hpp"
#include "strata/vae/models/vae.hpp"
#include "strata/vae/training.hpp"

using namespace strata;

namespace {

Dataset images(std::size_t count) {
  Rng rng{2};
  auto p = Tensor<float>::from_shape({count, std::size_t{196}});
  fill_uniform(rng, p);
  return {Tensor<std::uint8_t>(xt::cast<std::uint8_t>(255.0f * p)),
          Tensor<std::uint8_t>(Shape{count}, std::uint8_t{3})};
}

struct Case {
  const char* name;
  VaeConfig model = {};
  Objective objective = Elbo{};
  ObjectiveOptions options = {};
};

}  // namespace

TEST_CASE("A warm step of every model and objective, and of an average, allocates nothing") {
  const MlpOptions normalised{.batch_norm = true}, dropped{.dropout = 0.2};
  const std::vector<std::size_t> two = {20, 10}, five = {20, 12, 8, 6, 4};
  const std::vector<Case> cases = {
      {"one layer"},
      {"batch normalisation", {.networks = normalised}},
      {"dropout", {.networks = dropped}},
      {"two layers", {.latent = two}},
      {"five layers", {.latent = five}},
      {"conditional", {.latent = two, .condition = 10}},
      {"mixture prior", {.latent = two, .prior = PriorKind::mixture, .components = 7}},
      {"VampPrior, gated layers",
       {.networks = {.activation = Activation::gated},
        .scale = Scale::clamped,
        .prior = PriorKind::vamp,
        .components = 7}},
      {"softplus scales", {.latent = two, .scale = Scale::softplus}},
      {"full covariances",
       {.latent = two, .posterior = PosteriorKind::full, .top_posterior = PosteriorKind::full}},
      {"full top covariance, conditional", {.top_posterior = PosteriorKind::full, .condition = 10}},
      {"normal", {.likelihood = Likelihood::normal}},
      {"one learned variance", {.likelihood = Likelihood::normal_learned}},
      {"learned variances", {.likelihood = Likelihood::normal_learned_each}},
      {"importance-weighted", {.latent = two}, Iwae{}, {.samples = 5}},
      {"several draws, warm-up and clipping",
       {.latent = two},
       Elbo{},
       {.samples = 3, .warmup_epochs = 100, .clip_norm = 1}},
      {"free bits", {.latent = two}, Elbo{1, 0.5}, {}},
      {"sticking the landing",
       {.latent = two, .networks = normalised, .posterior = PosteriorKind::full},
       StickingTheLanding{}},
      {"doubly reparameterised", {.latent = two, .networks = dropped}, Dreg{}, {.samples = 6}},
      {"grouped bounds", {.latent = two}, Miwae{2}, {.samples = 6}},
      {"partially grouped bounds", {.latent = two}, Piwae{2}, {.samples = 6}},
      {"bound beside the ELBO", {.latent = two}, Ciwae{}, {.samples = 6}}};
  const Dataset data = images(64);
  for (const Case& c : cases) {
    VaeConfig config = c.model;
    config.data = 196;
    config.hidden = {64, 40};
    config.upper_hidden = {24};
    Rng rng{1};
    Vae<float> vae(config, rng);
    Optimizer<float> adam(parameters(vae), Adam{}, 1e-3);
    ObjectiveStep step(vae, adam, c.objective, c.options);
    Ema average(vae, 0.9);
    Trainer trainer(step, data, {.batch = 64});
    for (int warm = 0; warm < 3; ++warm) trainer.run_epoch();
    // A worker may run its first product, for which OpenBLAS makes it a buffer, in any step: the least
    // counts.
    std::uint64_t least = std::numeric_limits<std::uint64_t>::max();
    for (int steps = 0; steps < 5; ++steps) {
      const auto before = tools::allocation_count();
      trainer.run_epoch();
      average.update();
      least = std::min(least, tools::allocation_count() - before);
    }
    INFO(c.name);
    CHECK(least == 0);
  }
}

TEST_CASE("Allocations are counted") {
  const auto before = tools::allocation_count();
  const double* volatile x = new double{};  // volatile, since what nobody looks at need not be allocated
  CHECK(tools::allocation_count() > before);
  delete x;
}
