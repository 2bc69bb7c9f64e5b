// A run's metrics as a table in a file, a line for each epoch.
#pragma once

#include <filesystem>
#include <fstream>

#include "strata/vae/metrics.hpp"

namespace strata::tools {

/// One line of the table.
struct EpochRecord {
  std::size_t epoch;                      // from 1
  Metrics train, test;                    // nats per image
  std::vector<std::size_t> active_units;  // of each layer, bottom up, on test images
  double learning_rate;
  double seconds;  // of the epoch's training
  double step_ms;  // the same, a step
};

/// A CSV file: epoch,train_elbo,test_elbo,test_reconstruction,test_kl,learning_rate,seconds,step_ms, then
/// kl_1 ... kl_T and active_1 ... active_T.
class MetricsCsv {
 public:
  /// Begins the file, replacing what is there, for a model of so many stochastic layers. Throws
  /// std::runtime_error if it cannot be written.
  MetricsCsv(std::filesystem::path file, std::size_t layers);

  /// Appends a line. Throws std::runtime_error if that fails.
  void record(const EpochRecord& record);

 private:
  std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace strata::tools
