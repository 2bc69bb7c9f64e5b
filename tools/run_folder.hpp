// What train_mnist writes and evaluate and generate read: one folder a run.
#pragma once

#include <filesystem>
#include <fstream>

#include "tools/run_config.hpp"
#include "vae/metrics.hpp"

namespace strata::tools {

/// One line of metrics.csv.
struct EpochRecord {
  std::size_t epoch;                      // from 1
  Metrics train, test;                    // nats per image
  std::vector<std::size_t> active_units;  // of each layer, bottom up, on test images
  double learning_rate;
  double seconds;  // of the epoch's training
  double step_ms;  // the same, a step
};

/// A run being written.
class RunFolder {
 public:
  /// Makes the folder and begins metrics.csv for a model of so many stochastic layers. What an earlier run
  /// wrote there is removed, if `overwrite`; else it throws std::runtime_error, changing nothing.
  RunFolder(std::filesystem::path folder, std::size_t layers, bool overwrite);

  std::filesystem::path operator/(const std::string& file) const { return folder_ / file; }

  /// Appends a line to metrics.csv.
  void record(const EpochRecord& record);

  /// Writes model.safetensors with the configuration as metadata, replacing that of the epoch before.
  void save(const MarkovHvae<float>& model, const RunConfig& config, const std::string& data_set) const;

 private:
  std::filesystem::path folder_;
  std::ofstream metrics_;
};

/// A finished run.
struct Run {
  RunConfig config;
  std::string data_set;  // what it was trained on
  MarkovHvae<float> model;
};

/// Reads folder/model.safetensors. Throws for a missing or foreign file, and names it.
Run load_run(const std::filesystem::path& folder);

}  // namespace strata::tools
