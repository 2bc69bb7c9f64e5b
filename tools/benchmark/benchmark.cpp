// Measures training steps and likelihood estimation against their matrix products, and the parts of a step.
//
//     build/release/tools/benchmark                                     everything
//     build/release/tools/benchmark --benchmark_filter=estimation       by name: step, growth, ...
//     build/release/tools/benchmark --benchmark_out=FILE.json           as JSON too
//
// What is compared is measured in turn within one benchmark; figures are medians.
#include <benchmark/benchmark.h>

#include "strata/tensor/large_pages.hpp"
#include "strata/tensor/linalg.hpp"
#include "strata/tensor/parallel.hpp"
#include "strata/tools/benchmark/benchmarks.hpp"

int main(int argc, char** argv) {
  using namespace strata;
  using namespace strata::tools;
  use_large_pages();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  const auto blas = blas_description();
  benchmark::AddCustomContext("blas", blas);
  benchmark::AddCustomContext("threads", std::to_string(thread_count()));
  benchmark::AddCustomContext("compiler", __VERSION__);
  benchmark::AddCustomContext("flags", STRATA_FLAGS);
  register_steps();
  register_estimation();
  register_parts();
  register_growth();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
