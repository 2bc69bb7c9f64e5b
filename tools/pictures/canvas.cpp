#include "strata/tools/pictures/canvas.hpp"

#include <algorithm>
#include <charconv>

#include "strata/tools/pictures/font.hpp"

namespace strata::tools {

std::uint8_t grey_level(float value) {
  return value > 0 ? static_cast<std::uint8_t>(std::lround(255 * std::min(value, 1.0f))) : std::uint8_t{0};
}

Colour colour_of(std::size_t label) {
  Colour colour = class_colours[label % class_colours.size()];
  if (const std::size_t round = label / class_colours.size() % 3; round > 0)
    for (std::uint8_t& channel : colour)
      channel = static_cast<std::uint8_t>((channel + (round == 1 ? 255 : 0)) / 2);
  return colour;
}

void Canvas::blend(long x, long y, const Colour& colour, double opacity) {
  if (x < 0 || y < 0 || x >= static_cast<long>(pixels_.shape()[1]) ||
      y >= static_cast<long>(pixels_.shape()[0]))
    return;
  for (std::size_t c = 0; c < 3; ++c) {
    std::uint8_t& channel = pixels_(static_cast<std::size_t>(y), static_cast<std::size_t>(x), c);
    channel = static_cast<std::uint8_t>(std::lround(channel + opacity * (colour[c] - channel)));
  }
}

void Canvas::rectangle(long left, long top, long width, long height, const Colour& colour) {
  for (long y = top; y < top + height; ++y)
    for (long x = left; x < left + width; ++x) blend(x, y, colour, 1);
}

void Canvas::disc(double x, double y, double radius, const Colour& colour, double opacity) {
  const double reach = radius + 0.5;
  for (long v = std::lround(y - reach); v <= std::lround(y + reach); ++v)
    for (long u = std::lround(x - reach); u <= std::lround(x + reach); ++u) {
      const double distance = std::hypot(static_cast<double>(u) - x, static_cast<double>(v) - y);
      blend(u, v, colour, opacity * std::clamp(reach - distance, 0.0, 1.0));
    }
}

void Canvas::line(double x, double y, double to_x, double to_y, const Colour& colour) {
  const double steps = std::ceil(2 * std::hypot(to_x - x, to_y - y)) + 1;
  for (double i = 0; i <= steps; ++i)
    disc(x + i / steps * (to_x - x), y + i / steps * (to_y - y), 0.7, colour, 0.7);
}

void Canvas::text(const std::string& text, long left, long middle, double shift, long zoom) {
  left -= std::lround(shift * static_cast<double>(text_width(text, zoom)));
  const long top = middle - static_cast<long>(glyph_height) * zoom / 2;
  for (std::size_t i = 0; i < text.size(); ++i)
    for (std::size_t row = 0; row < glyph_height + glyph_depth; ++row)
      for (std::size_t column = 0; column + 1 < glyph_width; ++column)
        if (has_ink(text[i], row, column))
          rectangle(left + static_cast<long>(i * glyph_width + column) * zoom,
                    top + static_cast<long>(row) * zoom, zoom, zoom, ink);
}

void Canvas::image(const Tensor<float>& images, std::size_t n, long left, long middle, std::size_t side) {
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

void Canvas::picture(const Tensor<std::uint8_t>& picture, long left, long top) {
  const std::size_t channels = picture.dimension() == 3 ? 3 : 1, width = picture.shape(1);
  for (std::size_t pixel = 0; pixel < picture.size() / channels; ++pixel) {
    const std::uint8_t* const c = picture.data() + pixel * channels;
    blend(left + static_cast<long>(pixel % width), top + static_cast<long>(pixel / width),
          {c[0], c[channels / 2], c[channels - 1]}, 1);
  }
}

long text_width(const std::string& text, long zoom) {
  return (static_cast<long>(text.size() * glyph_width) - 1) * zoom;
}

void fit(Axis& axis, std::vector<double> values) {
  if (values.empty()) return;
  const auto at = [&](std::size_t rank) {
    const auto place = values.begin() + static_cast<std::ptrdiff_t>(rank);
    std::nth_element(values.begin(), place, values.end());
    return *place;
  };
  const std::size_t beyond = values.size() / 500;
  const double low = at(beyond), high = at(values.size() - 1 - beyond);
  axis.centre = (low + high) / 2;
  axis.span = high - low;
}

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

}  // namespace strata::tools
