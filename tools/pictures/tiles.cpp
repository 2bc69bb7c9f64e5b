#include "strata/tools/pictures/tiles.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numbers>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

namespace strata::tools {
namespace {

std::uint8_t grey_level(float value) {
  return value > 0 ? static_cast<std::uint8_t>(std::lround(255 * std::min(value, 1.0f))) : std::uint8_t{0};
}

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

using Colour = std::array<std::uint8_t, 3>;

// Apart in lightness as well as in hue: also every pair of them as the red- and the green-blind see it.
constexpr std::array<Colour, 10> class_colours{{{2, 53, 233},
                                                {255, 182, 0},
                                                {0, 88, 46},
                                                {220, 8, 87},
                                                {83, 78, 175},
                                                {73, 28, 56},
                                                {254, 118, 237},
                                                {121, 146, 159},
                                                {151, 163, 62},
                                                {24, 220, 173}}};
// The classes that the colours do not suffice for have them again, halfway to white and to black.
Colour colour_of(std::size_t label) {
  Colour colour = class_colours[label % class_colours.size()];
  if (const std::size_t round = label / class_colours.size() % 3; round > 0)
    for (std::uint8_t& channel : colour)
      channel = static_cast<std::uint8_t>((channel + (round == 1 ? 255 : 0)) / 2);
  return colour;
}
constexpr Colour ink{70, 70, 70}, grid_line{232, 232, 232}, zero_line{180, 180, 180};

// Characters of 5 × 7 pixels, side by side with a column between them.
constexpr std::string_view glyphs = "0123456789-.e+";
constexpr std::array<std::string_view, 7> glyph_rows{
    // clang-format off
    " ###    #    ###   ###     #  #####  ###  #####  ###   ###                         ",
    "#   #  ##   #   # #   #   ##  #     #         # #   # #   #                     #  ",
    "#   #   #       #     #  # #  ####  #        #  #   # #   #              ###    #  ",
    "#   #   #      #    ##  #  #      # ####    #    ###   ####  ###        #   # #####",
    "#   #   #     #       # #####     # #   #   #   #   #     #             #####   #  ",
    "#   #   #    #    #   #    #  #   # #   #   #   #   #     #        ##   #       #  ",
    " ###   ###  #####  ###     #   ###   ###    #    ###   ###         ##    ###       "};
// clang-format on
constexpr std::size_t glyph_width = 6, glyph_height = 7;

// An RGB picture, white at first; what is drawn outside it is lost. Pixel (x, y) covers x ± 1/2, y ± 1/2.
class Canvas {
 public:
  Canvas(std::size_t width, std::size_t height) : pixels_(Shape{height, width, 3}, std::uint8_t{255}) {}

  const Tensor<std::uint8_t>& pixels() const { return pixels_; }

  void blend(long x, long y, const Colour& colour, double opacity) {
    if (x < 0 || y < 0 || x >= static_cast<long>(pixels_.shape()[1]) ||
        y >= static_cast<long>(pixels_.shape()[0]))
      return;
    for (std::size_t c = 0; c < 3; ++c) {
      std::uint8_t& channel = pixels_(static_cast<std::size_t>(y), static_cast<std::size_t>(x), c);
      channel = static_cast<std::uint8_t>(std::lround(channel + opacity * (colour[c] - channel)));
    }
  }

  void rectangle(long left, long top, long width, long height, const Colour& colour) {
    for (long y = top; y < top + height; ++y)
      for (long x = left; x < left + width; ++x) blend(x, y, colour, 1);
  }

  // A disc with a smooth edge.
  void disc(double x, double y, double radius, const Colour& colour, double opacity) {
    const double reach = radius + 0.5;
    for (long v = std::lround(y - reach); v <= std::lround(y + reach); ++v)
      for (long u = std::lround(x - reach); u <= std::lround(x + reach); ++u) {
        const double distance = std::hypot(static_cast<double>(u) - x, static_cast<double>(v) - y);
        blend(u, v, colour, opacity * std::clamp(reach - distance, 0.0, 1.0));
      }
  }

  // Starts at `left`, or ends there, or has its middle there: `shift` is 0, 1 or 1/2.
  void text(const std::string& text, long left, long middle, double shift, long zoom) {
    const auto columns = static_cast<long>(text.size() * glyph_width) - 1;
    left -= std::lround(shift * static_cast<double>(columns * zoom));
    const long top = middle - static_cast<long>(glyph_height) * zoom / 2;
    for (std::size_t i = 0; i < text.size(); ++i)
      for (std::size_t row = 0; row < glyph_height; ++row)
        for (std::size_t column = 0; column + 1 < glyph_width; ++column)
          if (glyph_rows[row][glyphs.find(text[i]) * glyph_width + column] == '#')
            rectangle(left + static_cast<long>(i * glyph_width + column) * zoom,
                      top + static_cast<long>(row) * zoom, zoom, zoom, ink);
  }

  // Image n of (N, h, w), as large as fits into a square of `side` pixels: enlarged by a whole number, or
  // thinned out.
  void image(const Tensor<float>& images, std::size_t n, long left, long middle, std::size_t side) {
    const std::size_t h = images.shape()[1], w = images.shape()[2], longest = std::max(h, w);
    const std::size_t zoom = side / longest;
    const std::size_t height = zoom > 0 ? h * zoom : std::max<std::size_t>(h * side / longest, 1);
    const std::size_t width = zoom > 0 ? w * zoom : std::max<std::size_t>(w * side / longest, 1);
    for (std::size_t y = 0; y < height; ++y)
      for (std::size_t x = 0; x < width; ++x) {
        const std::uint8_t level = grey_level(images(n, y * h / height, x * w / width));
        blend(left + static_cast<long>(x), middle + static_cast<long>(y) - static_cast<long>(height / 2),
              {level, level, level}, 1);
      }
  }

 private:
  Tensor<std::uint8_t> pixels_;
};

// One axis of the plot: pixel = origin + scale · (value − centre), where the scale may be negative.
struct Axis {
  double first, last;  // pixels, at the left or bottom and at the right or top
  double centre = 0, span = 0, scale = 1;

  double pixel(double value) const { return (first + last) / 2 + scale * (value - centre); }
  double value(double pixel) const { return centre + (pixel - (first + last) / 2) / scale; }
  double length() const { return std::abs(last - first); }
  bool shows(double value) const { return std::abs(scale * (value - centre)) <= length() / 2; }
};

// Centre and span so that no more than 0.2 % of the values lie beyond either end.
void fit(Axis& axis, std::vector<float> values) {
  if (values.empty()) return;
  const auto at = [&](std::size_t rank) {
    const auto place = values.begin() + static_cast<std::ptrdiff_t>(rank);
    std::nth_element(values.begin(), place, values.end());
    return static_cast<double>(*place);
  };
  const std::size_t beyond = values.size() / 500;
  const double low = at(beyond), high = at(values.size() - 1 - beyond);
  axis.centre = (low + high) / 2;
  axis.span = high - low;
}

// The distance of grid lines, of which `least` leaves room for the numbers: 1, 2 or 5 times a power of ten,
// and whole if that does not take the lines too far apart.
double round_step(double least) {
  if (least > 0.3 && least < 1) return 1;
  const double power = std::pow(10, std::floor(std::log10(least)));
  for (const double factor : {1, 2, 5})
    if (factor * power >= least) return factor * power;
  return 10 * power;
}

std::vector<double> grid_values(const Axis& axis, double step) {
  const double first = std::ceil(axis.value(axis.first) / step),
               last = std::floor(axis.value(axis.last) / step);
  std::vector<double> values;
  for (int i = 0; i <= last - first; ++i) values.push_back((first + i) * step);
  return values;
}

std::string number(double value) {
  std::array<char, 32> text;
  const auto end = std::to_chars(text.begin(), text.end(), value, std::chars_format::general, 6);
  return {text.begin(), end.ptr};
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

Tensor<std::uint8_t> scatter(const Tensor<float>& points, const Tensor<std::uint32_t>& labels,
                             const Tensor<float>& examples, const ScatterOptions& options) {
  check_scatter(points.shape(), labels, examples, options);
  std::vector<std::size_t> finite;
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (std::isfinite(points(i, 0)) && std::isfinite(points(i, 1))) finite.push_back(i);
  const auto column = [&](std::size_t c) {
    std::vector<float> values;
    for (const std::size_t i : finite) values.push_back(points(i, c));
    return values;
  };

  Canvas canvas(options.width, options.height);
  const auto width = static_cast<long>(options.width), height = static_cast<long>(options.height);
  const long left = 76, right = width - 130, top = 16, bottom = height - 40;
  Axis x{static_cast<double>(left), static_cast<double>(right)};
  Axis y{static_cast<double>(bottom), static_cast<double>(top)};
  fit(x, column(0));
  fit(y, column(1));
  if (x.span == 0 && y.span == 0) x.span = y.span = 1;
  x.scale = std::min(x.length() / x.span, y.length() / y.span) / 1.06;  // with a margin
  y.scale = -x.scale;

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

  constexpr std::size_t most_in_legend = 40;
  const std::size_t classes = std::min(examples.shape()[0], most_in_legend);
  const long row = (bottom - top) / static_cast<long>(std::max(classes, class_colours.size()));
  for (std::size_t c = 0; c < classes; ++c) {
    const long middle = top + row / 2 + static_cast<long>(c) * row;
    canvas.disc(static_cast<double>(right + 24), static_cast<double>(middle),
                static_cast<double>(std::min(9L, row / 2 - 1)), colour_of(c), 1);
    canvas.text(std::to_string(c), right + 48, middle, 0.5, row < 20 ? 1 : 2);
    canvas.image(examples, c, right + 64, middle,
                 static_cast<std::size_t>(std::clamp(row - (row < 20 ? 2 : 6), 1L, 60L)));
  }
  return canvas.pixels();
}

}  // namespace strata::tools
