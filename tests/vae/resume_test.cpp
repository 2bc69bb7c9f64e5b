// A training that was stopped and restored goes on as if nothing had been.
#include <catch2/catch.hpp>

#include "strata/nn/checkpoint.hpp"
#include "strata/tensor/parallel.hpp"
#include "strata/tests/temporary_folder.hpp"
#include "strata/tests/tools/program.hpp"
#include "strata/vae/models/vae.hpp"
#include "strata/vae/training.hpp"

using namespace strata;

namespace {

const Dataset& images() {
  static const Dataset all = [] {
    Rng rng{2};
    auto p = Tensor<float>::from_shape({std::size_t{150}, std::size_t{196}});
    fill_uniform(rng, p);
    Tensor<std::uint8_t> labels(Shape{150}, std::uint8_t{0});
    for (std::size_t i = 0; i < 150; ++i) labels(i) = static_cast<std::uint8_t>(i % 3);
    return Dataset{Tensor<std::uint8_t>(xt::cast<std::uint8_t>(255.0f * p)), labels, 3};
  }();
  return all;
}

struct Case {
  const char* name;
  VaeConfig model = {};
  Objective objective = Elbo{};
  ObjectiveOptions options = {};
  Rule rule = Adam{};
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"one layer"},
      {"two layers, importance-weighted, with warm-up",
       {.latent = {20, 10}},
       Iwae{},
       {.samples = 2, .warmup_epochs = 3}},
      {"batch normalisation and dropout, cosine schedule",
       {.networks = {.batch_norm = true, .dropout = 0.1}},
       Elbo{},
       {.schedule = CosineSchedule{3}}},
      {"conditional, clipped, momentum", {.condition = 3}, Elbo{}, {.clip_norm = 1}, Momentum{}}};
  return all;
}

struct Run {
  explicit Run(const Case& c, std::uint64_t seed = 1) : rng{seed}, vae(model(c), rng), options(c.options) {
    adam.emplace(parameters(vae), c.rule, 1e-3);
    step.emplace(vae, *adam, c.objective, options);
    trainer.emplace(*step, images(), TrainingOptions{.batch = 32, .seed = seed});
  }
  static VaeConfig model(const Case& c) {
    VaeConfig config = c.model;
    config.data = 196;
    config.hidden = {64, 40};
    config.upper_hidden = {24};
    return config;
  }
  void steps(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) bounds.push_back(trainer->run_step().elbo());
  }
  // All of its state, as the bytes of a file.
  std::string state() const {
    const TemporaryFolder folder;
    store(*trainer, folder / "state");
    return tools::content_of(folder / "state");
  }

  Rng rng;
  Vae<float> vae;
  ObjectiveOptions options;
  std::optional<Optimizer<float>> adam;
  std::optional<ObjectiveStep<Vae<float>>> step;
  std::optional<Trainer<ObjectiveStep<Vae<float>>>> trainer;
  std::vector<double> bounds;
};

}  // namespace

TEST_CASE(
    "A training resumes after any step, and ends with the same bytes of weights, moments and counters") {
  const std::size_t threads = GENERATE(1, 2), before = thread_count();
  set_thread_count(threads);
  constexpr std::size_t total = 3 * 4;  // three epochs of four steps
  for (const Case& c : cases()) {
    Run whole(c);
    whole.steps(total);
    const std::string end = whole.state();
    for (const std::size_t stop : {1, 4, 6, 7, 11}) {
      INFO(c.name << ", " << threads << " threads, stopped after step " << stop);
      const TemporaryFolder folder;
      Run stopped(c), resumed(c, 99);  // whose weights and random numbers are others, until it is restored
      stopped.steps(stop);
      store(*stopped.trainer, folder / "state");
      resumed.steps(stop % 3);
      restore(*resumed.trainer, folder / "state");
      CHECK(resumed.trainer->epochs() == stop / 4);
      CHECK(resumed.trainer->steps() == stop % 4);
      resumed.bounds.assign(stop, 0);
      resumed.steps(total - stop);
      CHECK((resumed.state() == end));
      CHECK(std::equal(resumed.bounds.begin() + static_cast<std::ptrdiff_t>(stop), resumed.bounds.end(),
                       whole.bounds.begin() + static_cast<std::ptrdiff_t>(stop)));
    }
  }
  set_thread_count(before);
}

TEST_CASE("A state lists all that a training needs, once") {
  Run run(cases()[0]);
  run.steps(5);
  Safetensors file;
  store(*run.trainer, file);
  for (const char* name : {"step.model.q.0.mean.weight", "step.optimizer.moments.q.0.mean.weight.0",
                           "step.optimizer.moments.q.0.mean.weight.1", "step.optimizer.steps", "epochs",
                           "steps", "rng.counter", "epoch_start.counter", "sum.layer_kl"}) {
    INFO(name);
    CHECK(file.contains(name));
  }
  CHECK(file.get<std::uint64_t>("step.optimizer.steps")() == 5);
  CHECK(parameter_count(*run.trainer) == parameter_count(run.vae));
}

TEST_CASE("A training restored for other data says so") {
  Run run(cases()[0]), other(cases()[0]);
  run.steps(3);
  Safetensors file;
  store(*run.trainer, file);
  file.set("steps", Tensor<std::uint64_t>(Shape{}, std::uint64_t{4}));
  restore(*other.trainer, file);
  CHECK_THROWS_WITH(other.steps(1),
                    "[Trainer] it stands after step 4 of an epoch of 4; was it restored for "
                    "other data?");
}
