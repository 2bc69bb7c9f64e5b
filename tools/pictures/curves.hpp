// Curves of training.
#pragma once

#include <string>
#include <vector>

#include "strata/tools/run/metrics_csv.hpp"

namespace strata::tools {

/// Some columns of a table over its first one, in one plot.
struct Plot {
  std::string title;                 ///< what is plotted, in what unit
  std::vector<std::string> columns;  ///< by name
};

/// An RGB picture of these plots one below the other, with axes and the curves' names; a vertical line marks
/// the row `best`. Numbers that are not finite leave a gap. Throws for a column that is not there, or no row.
Tensor<std::uint8_t> curves(const MetricsTable& table, const std::vector<Plot>& plots, std::size_t best);

/// The bounds, the reconstruction and the KL of a run's metrics.csv, its best epoch marked.
Tensor<std::uint8_t> picture_curves(const MetricsTable& table);

}  // namespace strata::tools
