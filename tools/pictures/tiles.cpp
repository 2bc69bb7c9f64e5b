#include "strata/tools/pictures/tiles.hpp"

#include <algorithm>
#include <numbers>
#include <numeric>
#include <sstream>
#include <string_view>

#include "strata/tools/pictures/canvas.hpp"

namespace strata::tools {
namespace {

// Places image n of (N, h, w) with its upper left corner at (top, left).
void place(Tensor<std::uint8_t>& picture, std::size_t top, std::size_t left, const Tensor<float>& images,
           std::size_t n, std::size_t zoom) {
  const std::size_t height = images.shape()[1], width = images.shape()[2];
  for (std::size_t y = 0; y < height * zoom; ++y)
    for (std::size_t x = 0; x < width * zoom; ++x)
      picture(top + y, left + x) = grey_level(images(n, y / zoom, x / zoom));
}

// A grid whose rows take turns between several tensors of the same shape: those of a group lie together.
Tensor<std::uint8_t> grid(std::string_view operation, const std::vector<const Tensor<float>*>& group,
                          std::size_t columns, const TileOptions& options) {
  const Shape& shape = group[0]->shape();
  if (shape.size() != 3 || group[0]->size() == 0)
    fail(operation, "needs images (N, h, w) with N, h, w > 0, but they are " + to_string(shape));
  const std::size_t count = shape[0], gap = options.gap, zoom = options.zoom.value_or(zoom_to(56, shape));
  if (columns == 0 || zoom == 0) fail(operation, "columns and zoom must be above 0");
  columns = std::min(columns, count);
  const std::size_t groups = (count + columns - 1) / columns;
  const std::size_t row_step = shape[1] * zoom + gap, column_step = shape[2] * zoom + gap;
  const std::size_t group_gap = group.size() > 1 ? options.pair_gap : gap;
  const std::size_t group_step = group.size() * row_step - gap + group_gap;

  const std::size_t height = gap + groups * group_step - group_gap + gap;
  Tensor<std::uint8_t> picture(Shape{height, columns * column_step + gap}, options.gap_grey);
  for (std::size_t n = 0; n < count; ++n)
    for (std::size_t member = 0; member < group.size(); ++member)
      place(picture, gap + n / columns * group_step + member * row_step, gap + n % columns * column_step,
            *group[member], n, zoom);
  return picture;
}

// The text in lines of at most so many pixels, broken between words.
std::vector<std::string> wrapped(const std::string& text, long width, long zoom) {
  std::vector<std::string> lines;
  std::istringstream words(text);
  for (std::string word; words >> word;)
    if (lines.empty() || text_width(lines.back() + " " + word, zoom) > width)
      lines.push_back(word);
    else
      lines.back() += " " + word;
  return lines;
}

// What the legend calls the first classes, in no more pixels than that.
std::vector<std::string> legend_names(std::vector<std::string> names, std::size_t classes, long width,
                                      long zoom) {
  for (std::size_t c = names.size(); c < classes; ++c) names.push_back(std::to_string(c));
  names.resize(classes);
  for (std::string& name : names)
    while (text_width(name, zoom) > width) name.pop_back();
  return names;
}

void check_scatter(const Shape& points, const Tensor<std::uint32_t>& labels, const Tensor<float>& examples,
                   const ScatterOptions& options) {
  const Shape &l = labels.shape(), &e = examples.shape();
  if (points.size() != 2 || points[1] != 2 || l.size() != 1 || l[0] != points[0] || e.size() != 3 ||
      examples.size() == 0)
    fail("scatter", "needs points (N, 2), labels (N) and examples (C, h, w) with C, h, w > 0: points are " +
                        to_string(points) + ", labels " + to_string(l) + ", examples " + to_string(e));
  for (const std::size_t label : labels)
    if (label >= e[0])
      fail("scatter",
           "a label is " + std::to_string(label) + ", but examples " + to_string(e) + " have no such class");
  if (options.width < 400 || options.height < 300)
    fail("scatter", "a picture of " + std::to_string(options.width) + " x " + std::to_string(options.height) +
                        " pixels is too small; the least is 400 x 300");
}

}  // namespace

std::size_t zoom_to(std::size_t pixels, const Shape& images) {
  const std::size_t longest = std::max(images[images.size() - 2], images[images.size() - 1]);
  return std::max<std::size_t>((pixels + longest / 2) / longest, 1);
}

Tensor<std::uint8_t> tile(const Tensor<float>& images, std::size_t columns, const TileOptions& options) {
  return grid("tile", {&images}, columns, options);
}

Tensor<std::uint8_t> reconstructions(const Tensor<float>& originals, const Tensor<float>& reconstructed,
                                     std::size_t columns, const TileOptions& options) {
  if (originals.shape() != reconstructed.shape())
    fail("reconstructions", "originals are " + to_string(originals.shape()) + ", but reconstructed are " +
                                to_string(reconstructed.shape()));
  return grid("reconstructions", {&originals, &reconstructed}, columns, options);
}

Tensor<std::uint8_t> framed(const Tensor<std::uint8_t>& picture, const Frame& frame) {
  const auto height = static_cast<long>(picture.shape(0)), width = static_cast<long>(picture.shape(1));
  const long zoom = width < 400 ? 1 : 2, line = 11 * zoom, margin = 4 * zoom;
  long left = margin;
  for (const std::string& label : frame.rows) left = std::max(left, text_width(label, zoom) + 2 * margin);
  const auto columns = static_cast<long>(frame.columns.size());
  const long right =
      columns == 0 ? margin
                   : std::max(margin, (text_width(frame.columns.back(), zoom) - width / columns) / 2 + zoom);
  std::vector<std::string> above = wrapped(frame.title, left + width, zoom);
  if (!frame.y.empty()) above.push_back(frame.y);
  const long top = static_cast<long>(above.size()) * line + margin;
  const long below = (frame.columns.empty() ? 0 : line) + (frame.x.empty() ? 0 : line) + margin;

  Canvas canvas(static_cast<std::size_t>(left + width + right),
                static_cast<std::size_t>(top + height + below));
  canvas.picture(picture, left, top);
  for (std::size_t i = 0; i < above.size(); ++i)
    canvas.text(above[i], margin, margin + line / 2 + static_cast<long>(i) * line, 0, zoom);
  const auto middle = [](long length, std::size_t i, std::size_t count) {
    return (2 * static_cast<long>(i) + 1) * length / (2 * static_cast<long>(count));
  };
  for (std::size_t i = 0; i < frame.rows.size(); ++i)
    canvas.text(frame.rows[i], left - margin, top + middle(height, i, frame.rows.size()), 1, zoom);
  for (long i = 0, free = 0; i < columns; ++i) {
    const auto& label = frame.columns[static_cast<std::size_t>(i)];
    const long place = left + middle(width, static_cast<std::size_t>(i), frame.columns.size());
    const long half = text_width(label, zoom) / 2;
    if (place - half < free) continue;
    canvas.text(label, place, top + height + line / 2 + zoom, 0.5, zoom);
    free = place + half + 2 * margin;
  }
  canvas.text(frame.x, left + width, top + height + below - margin / 2 - line / 2, 1, zoom);
  return canvas.pixels();
}

Tensor<std::uint8_t> scatter(const Tensor<float>& points, const Tensor<std::uint32_t>& labels,
                             const Tensor<float>& examples, const ScatterOptions& options) {
  check_scatter(points.shape(), labels, examples, options);
  std::vector<std::size_t> finite;
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (std::isfinite(points(i, 0)) && std::isfinite(points(i, 1))) finite.push_back(i);
  const auto column = [&](std::size_t c) {
    std::vector<double> values;
    for (const std::size_t i : finite) values.push_back(points(i, c));
    return values;
  };

  Canvas canvas(options.width, options.height);
  const auto width = static_cast<long>(options.width), height = static_cast<long>(options.height);
  const long left = 76, top = options.y.empty() ? 16 : 40, bottom = height - (options.x.empty() ? 40 : 64);

  constexpr std::size_t most_in_legend = 40;
  const std::size_t classes = std::min(examples.shape()[0], most_in_legend);
  const long row = (bottom - top) / static_cast<long>(std::max(classes, class_colours.size()));
  const long letters = row < 20 ? 1 : 2;
  const auto names = legend_names(options.labels, classes, width / 5, letters);
  long longest = 10;
  for (const std::string& name : names) longest = std::max(longest, text_width(name, letters));
  const long right = width - 120 - longest;

  Axis x{static_cast<double>(left), static_cast<double>(right)};
  Axis y{static_cast<double>(bottom), static_cast<double>(top)};
  fit(x, column(0));
  fit(y, column(1));
  if (x.span == 0 && y.span == 0) x.span = y.span = 1;
  x.scale = std::min(x.length() / x.span, y.length() / y.span) / 1.06;  // with a margin
  y.scale = -x.scale;

  canvas.text(options.x, right, height - 16, 1, 2);
  canvas.text(options.y, left, 18, 0, 2);
  const double step = round_step(72 / x.scale);
  const auto colour_at = [](double value) { return value == 0 ? zero_line : grid_line; };
  for (const double value : grid_values(x, step)) {
    const long place = std::lround(x.pixel(value));
    canvas.rectangle(place, top, 1, bottom - top, colour_at(value));
    canvas.text(number(value), place, bottom + 18, 0.5, 2);
  }
  for (const double value : grid_values(y, step)) {
    const long place = std::lround(y.pixel(value));
    canvas.rectangle(left, place, right - left, 1, colour_at(value));
    canvas.text(number(value), left - 10, place, 1, 2);
  }

  // Discs that together cover a third of the plot, in strides of the golden section through the data: near
  // enough to random, so that points sorted by class do not end with one class on top.
  const std::size_t count = finite.size();
  const double area = x.length() * y.length() / std::max(static_cast<double>(count), 1.0);
  const double radius = std::clamp(std::sqrt(0.3 * area / std::numbers::pi), 1.2, 4.0);
  auto stride = static_cast<std::size_t>(static_cast<double>(count) / std::numbers::phi) + 1;
  while (std::gcd(stride, count) > 1) ++stride;
  for (std::size_t k = 0, next = 0; k < count; ++k, next = (next + stride) % count) {
    const std::size_t i = finite[next];
    if (x.shows(points(i, 0)) && y.shows(points(i, 1)))
      canvas.disc(x.pixel(points(i, 0)), y.pixel(points(i, 1)), radius, colour_of(labels(i)), 0.6);
  }

  for (std::size_t c = 0; c < classes; ++c) {
    const long middle = top + row / 2 + static_cast<long>(c) * row;
    canvas.disc(static_cast<double>(right + 24), static_cast<double>(middle),
                static_cast<double>(std::min(9L, row / 2 - 1)), colour_of(c), 1);
    canvas.text(names[c], right + 43, middle, 0, letters);
    canvas.image(examples, c, right + 54 + longest, middle,
                 static_cast<std::size_t>(std::clamp(row - (row < 20 ? 2 : 6), 1L, 60L)));
  }
  return canvas.pixels();
}

}  // namespace strata::tools
