// What a run refuses before its first step: data outside the likelihood's support, options outside their
// domain.
#include <catch2/catch.hpp>
#include <cmath>

#include "strata/vae/annealing.hpp"
#include "strata/vae/estimation.hpp"
#include "strata/vae/models/vae.hpp"
#include "strata/vae/refinement.hpp"
#include "strata/vae/training.hpp"

using namespace strata;
using Catch::Matchers::Contains;

namespace {

// 40 grey images of which one number is another.
Dataset images(float wrong = 0.5f) {
  Tensor<float> x(Shape{40, 2, 3}, 0.5f);
  x(17, 1, 2) = wrong;
  return {x};
}

struct Run {
  Rng rng{1};
  Vae<float> vae;
  Optimizer<float> optimizer{parameters(vae), Adam{}, 1e-2};
  ObjectiveStep<Vae<float>> step{vae, optimizer, Elbo{}};

  explicit Run(Likelihood likelihood)
      : vae({.data = 6, .hidden = {4}, .latent = {2}, .likelihood = likelihood}, rng) {}

  void start(const Dataset& data, Binarize binarize) {
    Trainer(step, data, {.batch = 8, .binarize = binarize});
  }
};

}  // namespace

TEST_CASE("Data outside the likelihood's support are refused when a run starts, with their place") {
  Run bernoulli(Likelihood::bernoulli), normal(Likelihood::normal);
  for (const float wrong : {255.0f, -0.42f, std::nanf(""), -INFINITY}) {
    const Dataset data = images(wrong);
    INFO(wrong);
    for (const auto binarize : {Binarize::none, Binarize::threshold, Binarize::dynamic}) {
      CHECK_THROWS_WITH(bernoulli.start(data, binarize),
                        Contains("[Trainer] the data") && Contains(" at (17, 1, 2); it must lie in [0, 1]"));
      CHECK_THROWS_WITH(evaluate(bernoulli.vae, data, binarize, 0, Rng{}),
                        Contains("[evaluate] the data") && Contains(" at (17, 1, 2)"));
      if (binarize != Binarize::none)
        CHECK_THROWS_WITH(normal.start(data, binarize),
                          Contains("the data to be binarised is ") && Contains("it must lie in [0, 1]"));
    }
    if (std::isfinite(wrong))
      normal.start(data, Binarize::none);
    else
      CHECK_THROWS_WITH(normal.start(data, Binarize::none), Contains(" at (17, 1, 2); it must be finite"));
  }
  for (const float right : {0.0f, 1.0f}) bernoulli.start(images(right), Binarize::none);
  bernoulli.start({Tensor<std::uint8_t>(Shape{40, 6}, std::uint8_t{255})}, Binarize::none);
}

TEST_CASE("A step or a model of one's own that states no support is not checked") {
  auto step = [](const Given<float>&, const StepContext&) { return Metrics{}; };
  const Dataset data = images(-7);
  Trainer trainer(step, data, {.batch = 8, .binarize = Binarize::none});
  trainer.run_epoch();
  CHECK_THROWS_WITH(Trainer(step, data, {.batch = 8, .binarize = Binarize::dynamic}), Contains("[Trainer]"));
}

TEST_CASE("Images outside the support are refused before any is estimated") {
  Run run(Likelihood::bernoulli);
  Rng rng{1};
  auto batch = first_examples<float>(images(), 40, Binarize::none, rng);
  batch.x.write()(17, 5) = 3;
  const auto names_it = Contains(" x is 3 at (17, 5); it must lie in [0, 1]");
  std::size_t done = 0;
  const auto count = [&](std::size_t) { ++done; };
  CHECK_THROWS_WITH(estimate_likelihood(run.vae, batch, {.samples = 2}, count), names_it);
  CHECK_THROWS_WITH(estimate_refined(run.vae, batch, {.samples = 2, .steps = 2}, count), names_it);
  CHECK_THROWS_WITH(estimate_annealed(run.vae, batch, {.temperatures = 2, .chains = 2}, count), names_it);
  CHECK(done == 0);
}

TEST_CASE("Options outside their domain are refused by name") {
  Run run(Likelihood::bernoulli);
  Rng rng{1};
  const auto batch = first_examples<float>(images(), 4, Binarize::none, rng);
  Tape<float> tape;
  const auto pass = run.vae.pass(batch.on(tape), rng);
  for (const double wrong : {-1.0, std::nan(""), double{INFINITY}, 1e39}) {
    CHECK_THROWS_WITH(objective(Elbo{.beta = wrong}, pass), Contains("[objective] beta is "));
    CHECK_THROWS_WITH(objective(Elbo{.free_bits = wrong}, pass), Contains("[objective] free_bits is "));
    CHECK_THROWS_WITH(objective(Iwae{.beta = wrong}, pass), Contains("[objective] beta is "));
  }
  for (const double wrong : {0.0, -1.0, std::nan(""), double{INFINITY}, 1e-50, 1e39})
    CHECK_THROWS_WITH(Vae<float>({.likelihood = Likelihood::normal, .noise_variance = wrong}, rng),
                      Contains("[HomoscedasticHead] the noise variance is "));
  for (const double wrong : {-1.0, std::nan("")}) {
    CHECK_THROWS_WITH(ObjectiveStep(run.vae, run.optimizer, Elbo{}, {.clip_norm = wrong}),
                      Contains("[ObjectiveStep] clip_norm is "));
    CHECK_THROWS_WITH(estimate_annealed(run.vae, batch, {.temperatures = 2, .acceptance = wrong}),
                      Contains("[Annealing] the acceptance is "));
    CHECK_THROWS_WITH(estimate_refined(run.vae, batch, {.samples = 2, .steps = 1, .wide = wrong}),
                      Contains("[sample_proposal] widening is "));
  }
}

TEST_CASE("An output starts at a mean of its likelihood's support only") {
  Run bernoulli(Likelihood::bernoulli), normal(Likelihood::normal);
  const Tensor<float> grey{0.5f, 0, 1, 0.2f, 2, 0.3f}, broken{0.5f, 0, 1, 0.2f, std::nanf(""), 0.3f};
  CHECK_THROWS_WITH(bernoulli.vae.start_at(grey), "[start_at] the mean is 2 at (4); it must lie in [0, 1]");
  CHECK_THROWS_WITH(bernoulli.vae.start_at(broken), Contains("the mean is nan at (4)"));
  normal.vae.start_at(grey);
  CHECK_THROWS_WITH(normal.vae.start_at(broken), "[start_at] the mean is nan at (4); it must be finite");
}

TEST_CASE("The terms of a pass are one number a row, or refused") {
  Tape<double> tape;
  const auto at = [&](const Shape& shape) { return tape.constant(Tensor<double>(shape, 0.5)); };
  Pass<double> pass{1, at({3}), {{at({3, 2}), at({3, 2}), at({3}), at({3}), {}, {}}}};
  CHECK(pass.elbo().shape() == Shape{3});
  pass.layers[0].log_p = at({3, 1});
  const auto names_it = Contains("[Pass] log_likelihood is (3), layer 1's terms give (3, 3)");
  CHECK_THROWS_WITH(pass.elbo(), names_it);
  CHECK_THROWS_WITH(pass.log_weight(), names_it);
  pass.layers[0].kl = at({});
  CHECK_THROWS_WITH(pass.elbo(), Contains("layer 1's terms give ()"));
}
