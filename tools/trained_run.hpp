// What evaluate and generate begin with: a trained run and its data.
#pragma once

#include "tensor/parallel.hpp"
#include "tools/command_line.hpp"
#include "tools/run_folder.hpp"

namespace strata::tools {

/// The run, its data, and how to work on them.
struct TrainedRunOptions {
  std::string run;
  DataOptions data;
  std::uint64_t seed = 0;
  std::size_t threads = thread_count();
};

/// The folder of the run, --data, --no-download, --seed (of what `seed_meaning` says) and --threads.
void add_trained_run_options(CLI::App& app, TrainedRunOptions& options, const std::string& seed_meaning);

struct TrainedRun {
  Run run;
  Mnist mnist;
};

/// Sets the threads and reads both. Throws if the data are another set than the run was trained on, unless
/// --data names them.
TrainedRun open(const TrainedRunOptions& options);

}  // namespace strata::tools
