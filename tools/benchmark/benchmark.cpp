// Measures a training step against its matrix products, and the parts of which it consists.
//
//     build/release/tools/benchmark                                     everything
//     build/release/tools/benchmark --benchmark_filter=step             by name
//     build/release/tools/benchmark --benchmark_out=FILE.json           as JSON too
//
// What is compared is measured in turn within one benchmark; figures are medians.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <functional>

#include "strata/autograd/elementwise.hpp"
#include "strata/autograd/probability.hpp"
#include "strata/autograd/reduce.hpp"
#include "strata/tensor/large_pages.hpp"
#include "strata/tensor/linalg.hpp"
#include "strata/tensor/parallel.hpp"
#include "strata/tools/benchmark/allocation_counter.hpp"
#include "strata/vae/models/vae.hpp"
#include "strata/vae/training.hpp"

namespace {

using namespace strata;

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

double milliseconds(const std::function<void()>& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

Tensor<float> normals(const Shape& shape) {
  Rng rng{1};
  auto x = Tensor<float>::from_shape(shape);
  fill_normal(rng, x);
  return x;
}

// The matrix products of one training step of a model, alone: for every weight W and batch x of inputs and y
// of outputs x W, xᵀ ȳ and, but for the layer that reads the data, ȳ Wᵀ.
class Products {
 public:
  Products(Vae<float>& model, std::size_t batch) {
    for (const auto& [name, parameter] : parameters(model))
      if (parameter->value().dimension() == 2) {
        const std::size_t in = parameter->value().shape(0), out = parameter->value().shape(1);
        layers_.push_back({normals({in, out}), normals({batch, in}), normals({batch, out}), {}, {}, {}});
      }
  }

  void run() {
    for (Layer& l : layers_) matmul(l.x, Transpose::no, l.w, Transpose::no, 0.0f, l.y);
    for (std::size_t i = layers_.size(); i-- > 0;) {
      Layer& l = layers_[i];
      matmul(l.x, Transpose::yes, l.y_grad, Transpose::no, 0.0f, l.w_grad);
      if (i > 0) matmul(l.y_grad, Transpose::no, l.w, Transpose::yes, 0.0f, l.x_grad);
    }
  }

 private:
  struct Layer {
    Tensor<float> w, x, y_grad, y, w_grad, x_grad;
  };
  std::vector<Layer> layers_;
};

// A model in training on random images.
class Training {
 public:
  Training(const VaeConfig& config, std::size_t batch)
      : model_(config, rng_),
        images_(random_images(batch, config)),
        trainer_(step_, images_, {.batch = batch}) {}

  void step() { trainer_.run_epoch(); }

  Vae<float>& model() { return model_; }

 private:
  static Dataset random_images(std::size_t count, const VaeConfig& config) {
    Rng rng{2};
    auto p = Tensor<float>::from_shape({count, config.data});
    fill_uniform(rng, p);
    Dataset images{Tensor<std::uint8_t>(xt::cast<std::uint8_t>(255.0f * p * p))};
    if (config.condition > 0) images.labels = Tensor<std::uint8_t>(Shape{count}, std::uint8_t{0});
    return images;
  }

  Rng rng_{1};
  Vae<float> model_;
  Dataset images_;
  Optimizer<float> optimizer_{parameters(model_), Adam{}, 1e-3};
  ObjectiveStep<Vae<float>> step_{model_, optimizer_, Elbo{}};
  Trainer<ObjectiveStep<Vae<float>>>
      trainer_;  // an epoch is one step: there are as many images as a batch holds
};

// One iteration is a step, then its products; data, metrics and optimizer belong to the step.
void run_step(benchmark::State& state, const VaeConfig& config, std::size_t batch, std::size_t threads) {
  const ThreadLimit limit(threads);
  Training training(config, batch);
  Products products(training.model(), batch);
  for (int warm = 0; warm < 3; ++warm) {
    training.step();
    products.run();
  }
  std::vector<double> step, product, ratio;
  std::uint64_t allocations = 0;
  for (auto _ : state) {
    const std::uint64_t before = tools::allocation_count();
    const double step_ms = milliseconds([&] { training.step(); });
    allocations = std::max(allocations, tools::allocation_count() - before);  // of any step
    step.push_back(step_ms);
    product.push_back(milliseconds([&] { products.run(); }));
    ratio.push_back(step.back() / product.back());
  }
  state.counters["step_ms"] = median(step);
  state.counters["products_ms"] = median(product);
  state.counters["ratio"] = median(ratio);
  state.counters["allocations_per_step"] = static_cast<double>(allocations);
}

const VaeConfig seed_model;

VaeConfig with_batch_norm() {
  VaeConfig config;
  config.networks.batch_norm = true;
  return config;
}

// Burda's two layers, or more of them with narrowing latents.
VaeConfig hierarchy(std::size_t layers) {
  std::vector<std::size_t> latent = {100, 50};
  if (layers != 2) {
    latent.assign(layers, 8);
    for (std::size_t t = 0; t < std::min<std::size_t>(layers, 3); ++t) latent[t] = std::size_t{64} >> t;
  }
  return {.hidden = {200, 200},
          .latent = latent,
          .networks = {.activation = Activation::tanh, .init = Init::glorot}};
}

VaeConfig deep(std::size_t layers) {
  VaeConfig config;
  config.hidden.assign(layers, 300);
  return config;
}

void add_step(const std::string& name, const VaeConfig& config, std::size_t batch, std::size_t threads,
              double seconds) {
  benchmark::RegisterBenchmark((name + "/threads:" + std::to_string(threads)).c_str(),
                               [=](benchmark::State& state) { run_step(state, config, batch, threads); })
      ->Unit(benchmark::kMillisecond)
      ->MinTime(seconds);
}

void register_steps() {
  const std::size_t all = thread_count();
  for (const std::size_t threads : {all, std::size_t{1}}) {
    add_step("step/seed_model/batch:128", seed_model, 128, threads, 2);
    add_step("step/batch_norm/batch:128", with_batch_norm(), 128, threads, 2);
    add_step("step/hierarchy_T2/batch:100", hierarchy(2), 100, threads, 2);
    add_step("step/hierarchy_T5/batch:100", hierarchy(5), 100, threads, 2);
    if (all == 1) break;
  }
}

// How a step's time grows: linearly, or better, in what is varied.
void register_growth() {
  constexpr double seconds = 0.5;
  const std::size_t all = thread_count();
  for (const std::size_t threads : {all, std::size_t{1}}) {
    for (std::size_t batch = 16; batch <= 4096; batch *= 2)
      add_step("growth/batch:" + std::to_string(batch), seed_model, batch, threads, seconds);
    for (std::size_t layers = 1; layers <= 16; layers *= 2)
      add_step("growth/depth:" + std::to_string(layers), deep(layers), 128, threads, seconds);
    for (std::size_t layers = 1; layers <= 16; layers *= 2)
      add_step("growth/T:" + std::to_string(layers), hierarchy(layers), 100, threads, seconds);
    if (all == 1) break;
  }
}

// Forward and backward of a chain of operations on 1 × 1 tensors.
void tape(benchmark::State& state) {
  constexpr std::size_t length = 1000;
  Tape<float> tape;
  const Tensor<float> one = xt::ones<float>({1, 1});
  std::vector<double> times;
  for (auto _ : state)
    times.push_back(milliseconds([&] {
      tape.reset();
      auto x = tape.variable(one);
      for (std::size_t i = 0; i < length; ++i) x = i % 2 == 0 ? x * 0.5f : tanh(x);
      tape.backward(x);
    }));
  state.counters["tape_ns_per_op"] = 1e6 * median(times) / length;
}

// An operation with its derivative on n elements; f makes a loss from x.
template <class F> void elementwise(benchmark::State& state, F f) {
  const std::size_t rows = 128, columns = 784;
  const Tensor<float> input = normals({rows, columns});
  Tape<float> tape;
  std::vector<double> forward, backward, copy;
  Tensor<float> target = input;
  for (auto _ : state) {
    tape.reset();
    const auto x = tape.variable(input);
    Var<float> y;
    forward.push_back(milliseconds([&] { y = f(x); }));
    if (y.needs_grad()) {
      const Tensor<float> cotangent(y.shape(), 1.0f);
      backward.push_back(milliseconds([&] { tape.backward(y, cotangent); }));
    }
    copy.push_back(milliseconds([&] { write(target, input); }));
  }
  const double per_element = 1e6 / static_cast<double>(rows * columns);
  state.counters["forward_ns"] = per_element * median(forward);
  state.counters["backward_ns"] = backward.empty() ? 0 : per_element * median(backward);
  state.counters["copy_ns"] = per_element * median(copy);
}

void adam(benchmark::State& state) {
  VaeConfig config;
  Rng rng;
  Vae<float> model(config, rng);
  Optimizer<float> optimizer(parameters(model), Adam{}, 1e-3);
  for (const auto& [name, parameter] : optimizer.parameters())
    parameter->gradient.value = normals(parameter->value().shape());
  const std::size_t count = parameter_count(model);
  Tensor<float> from = normals({count}), to = from;
  std::vector<double> times, copy;
  for (auto _ : state) {
    for (const auto& [name, parameter] : optimizer.parameters()) parameter->gradient.received = true;
    times.push_back(milliseconds([&] { optimizer.step(); }));
    copy.push_back(milliseconds([&] { write(to, from); }));
  }
  state.counters["step_ns"] = 1e6 * median(times) / static_cast<double>(count);
  state.counters["copy_ns"] = 1e6 * median(copy) / static_cast<double>(count);
}

void register_parts() {
  benchmark::RegisterBenchmark("tape", tape)->Unit(benchmark::kMicrosecond);
  const auto add = [](const char* name, auto f) {
    benchmark::RegisterBenchmark((std::string("elements/") + name).c_str(), [=](benchmark::State& state) {
      elementwise(state, f);
    })->Unit(benchmark::kMicrosecond);
  };
  add("softplus", [](Var<float> x) { return softplus(x); });
  add("tanh", [](Var<float> x) { return tanh(x); });
  add("sigmoid", [](Var<float> x) { return sigmoid(x); });
  add("bernoulli_log_density", [p = Versioned<float>(Tensor<float>(Shape{128, 784}, 0.5f))](Var<float> x) {
    return bernoulli_log_density(x.tape().reference(p), x);
  });
  Rng rng;
  add("normal_sampling", [rng](Var<float> x) mutable { return sample(Normal<float>{x, x}, rng); });
  add("normal_noise", [rng](Var<float> x) mutable { return Noise<float>(rng).normal(x.tape(), x.shape()); });
  add("bernoulli_noise", [rng, p = Tensor<float>(Shape{128, 784}, 0.5f)](Var<float> x) mutable {
    return x.tape().constant(x.shape(), [&](Tensor<float>& y) { fill_bernoulli(rng, p, y); });
  });
  benchmark::RegisterBenchmark("elements/adam", adam)->Unit(benchmark::kMicrosecond);
}

}  // namespace

int main(int argc, char** argv) {
  use_large_pages();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  const auto blas = blas_description();
  benchmark::AddCustomContext("blas", blas);
  benchmark::AddCustomContext("threads", std::to_string(thread_count()));
  benchmark::AddCustomContext("compiler", __VERSION__);
  benchmark::AddCustomContext("flags", STRATA_FLAGS);
  register_steps();
  register_parts();
  register_growth();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
