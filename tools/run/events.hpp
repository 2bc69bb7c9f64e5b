// What TensorBoard shows of a run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "strata/nn/fields.hpp"
#include "strata/tools/run/metrics_csv.hpp"

namespace strata::tools {

/// Numbers, pictures and histograms over the steps of a run, in the file format of TensorBoard's events. A
/// part of the run's state, which knows how long its file is: a run that goes on from an earlier state cuts
/// off what the file has of later steps, so that nothing is there twice.
class Events {
 public:
  Events();

  void scalar(std::size_t step, const std::string& tag, double value);
  /// The last row of a table: all columns but the first, by their names.
  void scalars(std::size_t step, const MetricsTable& table);
  /// Grey (height, width) or RGB (height, width, 3).
  void image(std::size_t step, const std::string& tag, const Tensor<std::uint8_t>& picture);
  /// In thirty equal steps from the smallest value to the largest. Nothing is recorded of no values.
  void histogram(std::size_t step, const std::string& tag, const Tensor<float>& values);
  /// Those of a model's weights and of their last gradients: "weights/decoder.output.bias", "gradients/...".
  template <class Module> void histograms(std::size_t step, Module& model) {
    for (const auto& [name, parameter] : parameters<float>(model)) {
      histogram(step, "weights/" + name, parameter->value());
      histogram(step, "gradients/" + name, parameter->gradient.value);
    }
  }

  /// Appends what was recorded since the last call, synchronised with the disk. Throws WriteFailure.
  void write(const std::filesystem::path& file);

  /// After the state was restored: where the file has lost events, it begins anew.
  void go_on(const std::filesystem::path& file);

  static void fields(auto& self, auto&& visit) { visit("end", self.end_); }

 private:
  void record(std::size_t step, const std::string& summary);
  void begin();
  void append(const std::string& event);

  std::string recorded_;   // and not written yet
  std::uint64_t end_ = 0;  // of the file, in bytes, with what is recorded
};

/// Whether a number has no other digits than 0 after its first `digits`: what is worth recording of a run
/// that may be long.
bool is_round(std::size_t number, int digits);

}  // namespace strata::tools
