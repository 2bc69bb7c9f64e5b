#include "strata/tools/pictures/curves.hpp"

#include <algorithm>

#include "strata/tools/pictures/canvas.hpp"

namespace strata::tools {
namespace {

constexpr long plot_height = 260, left = 96, right = 700, above = 34, below = 30, names_left = right + 52;

void draw(Canvas& canvas, const MetricsTable& table, const Plot& plot, std::size_t best, long top) {
  const auto& epochs = table.columns[0];
  Axis x{static_cast<double>(left), static_cast<double>(right)};
  Axis y{static_cast<double>(top + plot_height - below), static_cast<double>(top + above)};
  std::vector<double> values;
  for (const std::string& name : plot.columns)
    for (const double value : table.column(name))
      if (std::isfinite(value)) values.push_back(value);
  fit(x, epochs);
  fit(y, values);
  for (Axis* axis : {&x, &y}) axis->scale = axis->length() / (axis->span > 0 ? axis->span : 1) / 1.06;
  y.scale = -y.scale;

  canvas.text(plot.title, left, top + above / 2, 0, 2);
  for (const double value : grid_values(x, std::max(1.0, round_step(72 / x.scale)))) {
    const long place = std::lround(x.pixel(value));
    canvas.rectangle(place, top + above, 1, plot_height - above - below, grid_line);
    canvas.text(number(value), place, top + plot_height - below + 14, 0.5, 2);
  }
  for (const double value : grid_values(y, round_step(-40 / y.scale))) {
    const long place = std::lround(y.pixel(value));
    canvas.rectangle(left, place, right - left, 1, value == 0 ? zero_line : grid_line);
    canvas.text(number(value), left - 10, place, 1, 2);
  }
  canvas.rectangle(std::lround(x.pixel(epochs[best])), top + above, 1, plot_height - above - below, ink);
  for (std::size_t i = 0; i < plot.columns.size(); ++i) {
    const auto& column = table.column(plot.columns[i]);
    const Colour colour = colour_of(i);
    const auto shown = [&](std::size_t row) { return x.shows(epochs[row]) && y.shows(column[row]); };
    for (std::size_t row = 0; row < column.size(); ++row) {
      if (!shown(row)) continue;
      const double u = x.pixel(epochs[row]), v = y.pixel(column[row]);
      if (column.size() <= 30) canvas.disc(u, v, 3, colour, 1);
      if (row > 0 && shown(row - 1))
        canvas.line(x.pixel(epochs[row - 1]), y.pixel(column[row - 1]), u, v, colour);
    }
    const long middle = top + above + 10 + static_cast<long>(i) * 22;
    canvas.rectangle(right + 20, middle - 2, 24, 4, colour);
    canvas.text(plot.columns[i], names_left, middle, 0, 2);
  }
}

}  // namespace

Tensor<std::uint8_t> curves(const MetricsTable& table, const std::vector<Plot>& plots, std::size_t best) {
  if (best >= table.columns.at(0).size()) fail("curves", "there is no row " + std::to_string(best));
  constexpr long foot = 34;
  long width = 1000;
  for (const Plot& plot : plots)
    for (const std::string& name : plot.columns)
      width = std::max(width, names_left + text_width(name, 2) + 20);
  Canvas canvas(static_cast<std::size_t>(width), plots.size() * plot_height + foot);
  for (std::size_t i = 0; i < plots.size(); ++i)
    draw(canvas, table, plots[i], best, static_cast<long>(i) * plot_height);
  const long middle = static_cast<long>(plots.size()) * plot_height + foot / 2 - 4;
  canvas.text(table.names[0], right, middle, 1, 2);
  canvas.rectangle(right + 31, middle - 8, 1, 16, ink);
  canvas.text("best: " + table.names[0] + " " + number(table.columns[0][best]), names_left, middle, 0, 2);
  return canvas.pixels();
}

Tensor<std::uint8_t> picture_curves(const MetricsTable& table) {
  std::vector<Plot> plots = {
      {"ELBO, nats per image", {}}, {"reconstruction, nats per image", {}}, {"KL, nats per image", {}}};
  Plot classes{"share of test images", {}};
  const bool layered = std::find(table.names.begin(), table.names.end(), "kl_2") != table.names.end();
  for (const std::string& name : table.names) {
    if (name.ends_with("elbo")) plots[0].columns.push_back(name);
    if (name.ends_with("reconstruction")) plots[1].columns.push_back(name);
    if (name.ends_with("kl") || (name.starts_with("kl_") && layered)) plots[2].columns.push_back(name);
    if (name.ends_with("_error") || name.ends_with("_accuracy")) classes.columns.push_back(name);
  }
  if (!classes.columns.empty()) plots.push_back(classes);
  return curves(table, plots, table.best());
}

}  // namespace strata::tools
