// The parts of which a step consists: the tape, operations on the elements of tensors, the optimizer.
#include <benchmark/benchmark.h>

#include "strata/autograd/elementwise.hpp"
#include "strata/autograd/probability.hpp"
#include "strata/autograd/reduce.hpp"
#include "strata/nn/optimizer.hpp"
#include "strata/tools/benchmark/benchmarks.hpp"
#include "strata/vae/models/vae.hpp"

namespace strata::tools {
namespace {

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

}  // namespace

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

}  // namespace strata::tools
