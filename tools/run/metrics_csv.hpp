// A run's metrics as a table, a line for each epoch.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

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
  std::optional<Metrics> validation = {};
  std::vector<double> further = {};  // what else is known, as the table names it
};

/// The cells of a line of comma-separated values, none of them quoted.
std::vector<std::string> cells_of(const std::string& line);

/// A table as metrics.csv holds it, by columns.
struct MetricsTable {
  std::vector<std::string> names;
  std::vector<std::vector<double>> columns;

  /// Throws for a name that no column has.
  const std::vector<double>& column(const std::string& name) const;

  /// The row of the largest validation_elbo or, where there is none, test_elbo.
  std::size_t best() const;
};

/// From text with a line of names. Throws for a line of another length, or what is no number.
MetricsTable parse_metrics(const std::string& text);

/// Comma-separated values:
/// epoch,train_elbo,test_elbo,test_reconstruction,test_kl,learning_rate,seconds,step_ms, then kl_1 ... kl_T
/// and active_1 ... active_T, where there are such images validation_elbo, validation_reconstruction and
/// validation_kl, and further columns, if any. A part of a run's state, which its file can always be made of.
class MetricsCsv {
 public:
  /// The header, for a model of so many stochastic layers.
  explicit MetricsCsv(std::size_t layers, bool validation = false,
                      const std::vector<std::string>& further = {});

  /// Appends a line, nan where the record lacks a column. A table that began without the further columns, as
  /// an older run's, goes on without them.
  void record(const EpochRecord& record);

  MetricsTable table() const { return parse_metrics(text_); }

  /// Writes the table, whole or not at all. Throws WriteFailure.
  void write(const std::filesystem::path& file) const;

  static void fields(auto& self, auto&& visit) { visit("text", self.text_); }

 private:
  std::string text_;
};

}  // namespace strata::tools
