// What train_mnist writes: one folder a run.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "nn/checkpoint.hpp"
#include "vae/training.hpp"

namespace strata::tools {

/// One line of metrics.csv.
struct EpochRecord {
  std::size_t epoch;  // from 1
  double train_elbo;  // nats per image, as are the next three
  double test_elbo;
  double test_reconstruction;
  double test_kl;
  double learning_rate;
  double seconds;  // of the epoch's training
  double step_ms;  // the same, a step
};

/// The folder of one run, with metrics.csv and model.safetensors.
class RunFolder {
 public:
  /// Makes the folder and begins metrics.csv. Throws std::runtime_error, changing nothing, if the folder
  /// holds a run already and `overwrite` is false.
  RunFolder(std::filesystem::path folder, bool overwrite);

  std::filesystem::path operator/(const std::string& file) const { return folder_ / file; }

  /// Appends a line to metrics.csv.
  void record(const EpochRecord& record);

  /// Writes model.safetensors with its configuration as metadata, replacing the one of the epoch before.
  template <class Model>
  void save(const Model& model, const std::map<std::string, std::string>& configuration) const {
    Safetensors file;
    file.metadata = configuration;
    store(model, file);
    file.write(folder_ / "model.safetensors");
  }

 private:
  std::filesystem::path folder_;
  std::ofstream metrics_;
};

}  // namespace strata::tools
