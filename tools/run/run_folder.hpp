// What train_mnist writes and evaluate and generate read: one folder a run.
#pragma once

#include <filesystem>
#include <optional>

#include "strata/nn/ema.hpp"
#include "strata/tools/run/metrics_csv.hpp"
#include "strata/tools/run/run_config.hpp"

namespace strata::tools {

/// The average of a run's weights, where it has one.
using Average = std::optional<Ema<Vae<float>>>;

/// A run being written.
class RunFolder {
 public:
  /// Makes the folder and begins metrics.csv for a model of so many stochastic layers. What an earlier run
  /// wrote there is removed, if `overwrite`; else it throws std::runtime_error, changing nothing.
  RunFolder(std::filesystem::path folder, std::size_t layers, bool overwrite);

  std::filesystem::path operator/(const std::string& file) const { return folder_ / file; }

  /// Appends a line to metrics.csv.
  void record(const EpochRecord& record) { metrics_->record(record); }

  /// Writes model.safetensors, the weights and their average, with the configuration as metadata, replacing
  /// that of the epoch before.
  void save(const Vae<float>& model, const Average& average, const RunConfig& config,
            const std::string& data_set) const;

 private:
  std::filesystem::path folder_;
  std::optional<MetricsCsv> metrics_;
};

/// A finished run.
struct Run {
  RunConfig config;
  std::string data_set;  // what it was trained on
  Vae<float> model;      // with the averaged weights, where there are any
};

/// Reads folder/model.safetensors. Throws for a missing or foreign file, and names it.
Run load_run(const std::filesystem::path& folder);

}  // namespace strata::tools
