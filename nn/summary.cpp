#include "strata/nn/summary.hpp"

#include <algorithm>

namespace strata {

std::string with_separators(std::size_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t place = digits.size(); place > 3; place -= 3) digits.insert(place - 3, ",");
  return digits;
}

std::string format_summary(const std::vector<SummaryRow>& rows) {
  std::size_t total = 0, layer_width = 5, shapes_width = 7;
  for (const auto& row : rows) {
    total += row.parameters;
    layer_width = std::max(layer_width, row.layer.size());
    shapes_width = std::max(shapes_width, row.shapes.size());
  }
  const std::size_t count_width = std::max<std::size_t>(10, with_separators(total).size());
  std::string table;
  const auto line = [&](std::string layer, std::string shapes, const std::string& count) {
    layer.resize(layer_width, ' ');
    shapes.resize(shapes_width, ' ');
    table += layer + "  " + shapes + "  " + std::string(count_width - count.size(), ' ') + count + "\n";
  };
  line("layer", "tensors", "parameters");
  for (const auto& row : rows) line(row.layer, row.shapes, with_separators(row.parameters));
  line("total", "", with_separators(total));
  return table;
}

}  // namespace strata
