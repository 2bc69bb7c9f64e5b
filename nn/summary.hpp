// A model as a table.
#pragma once

#include <string>
#include <vector>

#include "strata/nn/fields.hpp"

namespace strata {

/// 1234567 as "1,234,567".
std::string with_separators(std::size_t number);

/// One layer: the tensors of one module.
struct SummaryRow {
  std::string layer;   // "encoder.hidden.0"
  std::string shapes;  // "weight (784, 500), bias (500)"
  std::size_t parameters;
};

/// Rows as an aligned table that ends with the total.
std::string format_summary(const std::vector<SummaryRow>& rows);

/// The layers of a model, their tensors' shapes and parameter counts.
template <class Module> std::string summary(const Module& module) {
  std::vector<SummaryRow> rows;
  for_each_tensor(module, [&](const std::string& path, const auto& leaf) {
    const auto dot = path.rfind('.');
    const std::string layer = dot == std::string::npos ? "" : path.substr(0, dot);
    if (rows.empty() || rows.back().layer != layer) rows.push_back({layer, "", 0});
    rows.back().shapes += (rows.back().shapes.empty() ? "" : ", ") + path.substr(dot + 1) + " " +
                          to_string(leaf.value().shape());
    if constexpr (detail::is_parameter<std::remove_cvref_t<decltype(leaf)>>)
      rows.back().parameters += leaf.value().size();
  });
  return format_summary(rows);
}

}  // namespace strata
