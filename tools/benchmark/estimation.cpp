// Likelihood estimation by importance sampling, as `evaluate` does it, against its matrix products.
#include "strata/vae/estimation.hpp"

#include <benchmark/benchmark.h>

#include "strata/tensor/parallel.hpp"
#include "strata/tools/benchmark/benchmarks.hpp"
#include "strata/tools/benchmark/products.hpp"

namespace strata::tools {
namespace {

// One iteration estimates a few images, each followed by its products; the first warms up.
void run_estimation(benchmark::State& state, std::size_t threads) {
  constexpr std::size_t images = 4;
  const ThreadLimit limit(threads);
  Rng rng{1};
  Vae<float> model(VaeConfig{}, rng);
  auto p = Tensor<float>::from_shape({images, 784}), x = p;
  fill_uniform(rng, p);
  fill_bernoulli(rng, p, x);
  const Batch<float> batch{Versioned<float>(x)};

  EstimationOptions options;
  options.counts = convergence_counts(options.samples);
  Products chunk(model, 1, options.chunk), rest(model, 1, options.samples % options.chunk);
  const auto run_products = [&] {
    for (std::size_t i = 0; i < options.samples / options.chunk; ++i) chunk.run_forward();
    rest.run_forward();
  };

  std::vector<double> estimate, product, share;
  for (auto _ : state) {
    Stopwatch watch;
    estimate_likelihood(model, batch, options, [&](std::size_t done) {
      const double estimate_ms = watch.milliseconds(), product_ms = milliseconds(run_products);
      if (done > 1) {
        estimate.push_back(estimate_ms);
        product.push_back(product_ms);
        share.push_back(product_ms / estimate_ms);
      }
      watch = {};
    });
  }
  const double draws = 1e3 * static_cast<double>(options.samples);
  state.counters["draws_per_s"] = draws / median(estimate);
  state.counters["products_draws_per_s"] = draws / median(product);  // the bound that they set
  state.counters["share_of_bound"] = median(share);
  state.counters["parameters"] = static_cast<double>(parameter_count(model));
}

}  // namespace

void register_estimation() {
  for_thread_counts([](std::size_t threads) {
    benchmark::RegisterBenchmark(
        ("estimation/seed_model/draws:5000/threads:" + std::to_string(threads)).c_str(),
        [=](benchmark::State& state) { run_estimation(state, threads); })
        ->Unit(benchmark::kMillisecond)
        ->MinTime(2);
  });
}

}  // namespace strata::tools
