#include "strata/tools/run/metrics_csv.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <sstream>

#include "strata/tensor/io/file.hpp"

namespace strata::tools {

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  std::istringstream in(line);
  for (std::string cell; std::getline(in, cell, ',');) cells.push_back(cell);
  return cells;
}

const std::vector<double>& MetricsTable::column(const std::string& name) const {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) fail("metrics", "there is no column '" + name + "'");
  return columns[static_cast<std::size_t>(found - names.begin())];
}

std::size_t MetricsTable::best() const {
  const bool validated = std::find(names.begin(), names.end(), "validation_elbo") != names.end();
  const auto& elbo = column(validated ? "validation_elbo" : "test_elbo");
  const auto less = [](double a, double b) { return a < b || (std::isnan(a) && !std::isnan(b)); };
  return static_cast<std::size_t>(std::max_element(elbo.begin(), elbo.end(), less) - elbo.begin());
}

MetricsTable parse_metrics(const std::string& text) {
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  MetricsTable table{cells_of(line), {}};
  table.columns.resize(table.names.size());
  while (std::getline(lines, line)) {
    const auto cells = cells_of(line);
    if (cells.size() != table.names.size())
      fail("metrics", "'" + line + "' has " + std::to_string(cells.size()) + " cells, not " +
                          std::to_string(table.names.size()));
    for (std::size_t i = 0; i < cells.size(); ++i) {
      char* end = nullptr;
      table.columns[i].push_back(std::strtod(cells[i].c_str(), &end));
      if (cells[i].empty() || *end != 0) fail("metrics", "'" + cells[i] + "' is no number");
    }
  }
  return table;
}

MetricsCsv::MetricsCsv(std::size_t layers, bool validation, const std::vector<std::string>& further)
    : text_("epoch,train_elbo,test_elbo,test_reconstruction,test_kl,learning_rate,seconds,step_ms") {
  for (std::size_t t = 1; t <= layers; ++t) text_ += ",kl_" + std::to_string(t);
  for (std::size_t t = 1; t <= layers; ++t) text_ += ",active_" + std::to_string(t);
  if (validation) text_ += ",validation_elbo,validation_reconstruction,validation_kl";
  for (const std::string& name : further) text_ += ',' + name;
  text_ += '\n';
}

void MetricsCsv::record(const EpochRecord& r) {
  std::vector<double> cells = {r.train.elbo(), r.test.elbo(),   r.test.reconstruction,
                               r.test.kl(),    r.learning_rate, r.seconds,
                               r.step_ms};
  const auto append = [&](const auto& more) { cells.insert(cells.end(), more.begin(), more.end()); };
  append(r.test.layer_kl);
  append(r.active_units);
  if (const auto& v = r.validation) append(std::array{v->elbo(), v->reconstruction, v->kl()});
  append(r.further);
  const auto header_end = text_.begin() + static_cast<std::ptrdiff_t>(text_.find('\n'));
  const auto columns = static_cast<std::size_t>(std::count(text_.begin(), header_end, ','));  // but the epoch
  cells.resize(columns, std::numeric_limits<double>::quiet_NaN());
  std::ostringstream line;
  line << r.epoch;
  for (const double cell : cells) line << ',' << cell;
  text_ += line.str() + '\n';
}

void MetricsCsv::write(const std::filesystem::path& file) const { write_atomically(file, text_, "run"); }

}  // namespace strata::tools
