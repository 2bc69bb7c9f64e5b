// Training steps against their matrix products, and how a step's time grows.
#include <benchmark/benchmark.h>

#include <algorithm>

#include "strata/tensor/parallel.hpp"
#include "strata/tools/benchmark/allocation_counter.hpp"
#include "strata/tools/benchmark/benchmarks.hpp"
#include "strata/tools/benchmark/products.hpp"
#include "strata/vae/training.hpp"

namespace strata::tools {
namespace {

// What is trained, and how.
struct StepConfig {
  VaeConfig model;
  std::size_t batch;
  Objective objective = Elbo{};
  std::size_t samples = 1;  // of each image
};

// A model in training on random images.
class Training {
 public:
  explicit Training(const StepConfig& config)
      : model_(config.model, rng_),
        images_(random_images(config.batch, config.model.data)),
        step_(model_, optimizer_, config.objective, {.samples = config.samples}),
        trainer_(step_, images_, {.batch = config.batch}) {}

  void step() { trainer_.run_epoch(); }

  Vae<float>& model() { return model_; }

 private:
  static Dataset random_images(std::size_t count, std::size_t width) {
    Rng rng{2};
    auto p = Tensor<float>::from_shape({count, width});
    fill_uniform(rng, p);
    return {Tensor<std::uint8_t>(xt::cast<std::uint8_t>(255.0f * p * p))};
  }

  Rng rng_{1};
  Vae<float> model_;
  Dataset images_;
  Optimizer<float> optimizer_{parameters(model_), Adam{}, 1e-3};
  ObjectiveStep<Vae<float>> step_;
  Trainer<ObjectiveStep<Vae<float>>>
      trainer_;  // an epoch is one step: there are as many images as a batch holds
};

// One iteration is a step, then its products; data, metrics and optimizer belong to the step.
void run_step(benchmark::State& state, const StepConfig& config, std::size_t threads) {
  const ThreadLimit limit(threads);
  Training training(config);
  Products products(training.model(), config.batch, config.samples);
  for (int warm = 0; warm < 3; ++warm) {
    training.step();
    products.run_step();
  }
  std::vector<double> step, product, ratio;
  std::uint64_t allocations = 0;
  for (auto _ : state) {
    const std::uint64_t before = allocation_count();
    const double step_ms = milliseconds([&] { training.step(); });
    allocations = std::max(allocations, allocation_count() - before);  // of any step
    step.push_back(step_ms);
    product.push_back(milliseconds([&] { products.run_step(); }));
    ratio.push_back(step.back() / product.back());
  }
  state.counters["step_ms"] = median(step);
  state.counters["products_ms"] = median(product);
  state.counters["ratio"] = median(ratio);
  state.counters["allocations_per_step"] = static_cast<double>(allocations);
  state.counters["parameters"] = static_cast<double>(parameter_count(training.model()));
}

const VaeConfig seed_model;

VaeConfig with_batch_norm() {
  VaeConfig config;
  config.networks.batch_norm = true;
  return config;
}

// Burda's networks.
VaeConfig burda(const std::vector<std::size_t>& latent) {
  return {.hidden = {200, 200},
          .latent = latent,
          .networks = {.activation = Activation::tanh, .init = Init::glorot}};
}

// Burda's two layers, or more of them with narrowing latents.
VaeConfig hierarchy(std::size_t layers) {
  if (layers == 2) return burda({100, 50});
  std::vector<std::size_t> latent(layers, 8);
  for (std::size_t t = 0; t < std::min<std::size_t>(layers, 3); ++t) latent[t] = std::size_t{64} >> t;
  return burda(latent);
}

VaeConfig deep(std::size_t layers) {
  VaeConfig config;
  config.hidden.assign(layers, 300);
  return config;
}

void add_step(const std::string& name, const StepConfig& config, std::size_t threads, double seconds) {
  benchmark::RegisterBenchmark((name + "/threads:" + std::to_string(threads)).c_str(),
                               [=](benchmark::State& state) { run_step(state, config, threads); })
      ->Unit(benchmark::kMillisecond)
      ->MinTime(seconds);
}

}  // namespace

void register_steps() {
  for_thread_counts([](std::size_t threads) {
    const auto add = [&](const std::string& name, const StepConfig& config) {
      add_step("step/" + name + "/batch:" + std::to_string(config.batch), config, threads, 2);
    };
    add("seed_model", {seed_model, 128});
    add("batch_norm", {with_batch_norm(), 128});
    add("hierarchy_T2", {hierarchy(2), 100});
    add("hierarchy_T5", {hierarchy(5), 100});
    add("iwae_k50", {burda({50}), 20, Iwae{}, 50});
  });
}

// How a step's time grows: linearly, or better, in what is varied.
void register_growth() {
  for_thread_counts([](std::size_t threads) {
    const auto add = [&](const std::string& varied, std::size_t value, const StepConfig& config) {
      add_step("growth/" + varied + ":" + std::to_string(value), config, threads, 0.5);
    };
    for (std::size_t batch = 16; batch <= 4096; batch *= 2) add("batch", batch, {seed_model, batch});
    for (std::size_t layers = 1; layers <= 16; layers *= 2) add("depth", layers, {deep(layers), 128});
    for (std::size_t layers = 1; layers <= 16; layers *= 2) add("T", layers, {hierarchy(layers), 100});
  });
}

}  // namespace strata::tools
