// What pictures with text are drawn on.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "strata/tensor/tensor.hpp"

namespace strata::tools {

using Colour = std::array<std::uint8_t, 3>;

/// Apart in lightness as well as in hue: also every pair of them as the red- and the green-blind see it.
inline constexpr std::array<Colour, 10> class_colours{{{2, 53, 233},
                                                       {255, 182, 0},
                                                       {0, 88, 46},
                                                       {220, 8, 87},
                                                       {83, 78, 175},
                                                       {73, 28, 56},
                                                       {254, 118, 237},
                                                       {121, 146, 159},
                                                       {151, 163, 62},
                                                       {24, 220, 173}}};
/// The classes that the colours do not suffice for have them again, halfway to white and to black.
Colour colour_of(std::size_t label);

inline constexpr Colour ink{70, 70, 70}, grid_line{232, 232, 232}, zero_line{180, 180, 180};

/// The grey level of a value in [0, 1], which is clipped; NaN is black.
std::uint8_t grey_level(float value);

/// An RGB picture, white at first; what is drawn outside it is lost. Pixel (x, y) covers x ± 1/2, y ± 1/2.
class Canvas {
 public:
  Canvas(std::size_t width, std::size_t height) : pixels_(Shape{height, width, 3}, std::uint8_t{255}) {}

  const Tensor<std::uint8_t>& pixels() const { return pixels_; }

  void blend(long x, long y, const Colour& colour, double opacity);
  void rectangle(long left, long top, long width, long height, const Colour& colour);

  /// A disc with a smooth edge.
  void disc(double x, double y, double radius, const Colour& colour, double opacity);

  /// A line of two pixels, with smooth edges.
  void line(double x, double y, double to_x, double to_y, const Colour& colour);

  /// Starts at `left`, or ends there, or has its middle there: `shift` is 0, 1 or 1/2.
  void text(const std::string& text, long left, long middle, double shift, long zoom);

  /// Image n of (N, h, w), as large as fits into a square of `side` pixels: enlarged by a whole number, or
  /// thinned out.
  void image(const Tensor<float>& images, std::size_t n, long left, long middle, std::size_t side);

  /// A whole picture, grey (h, w) or RGB (h, w, 3), with its upper left corner there.
  void picture(const Tensor<std::uint8_t>& picture, long left, long top);

 private:
  Tensor<std::uint8_t> pixels_;
};

/// The width of a text in pixels.
long text_width(const std::string& text, long zoom);

/// One axis of a plot: pixel = middle + scale · (value − centre), where the scale may be negative.
struct Axis {
  double first, last;  ///< pixels, at the left or bottom and at the right or top
  double centre = 0, span = 0, scale = 1;

  double pixel(double value) const { return (first + last) / 2 + scale * (value - centre); }
  double value(double pixel) const { return centre + (pixel - (first + last) / 2) / scale; }
  double length() const { return std::abs(last - first); }
  bool shows(double value) const { return std::abs(scale * (value - centre)) <= length() / 2; }
};

/// Sets centre and span so that no more than 0.2 % of the values lie beyond either end.
void fit(Axis& axis, std::vector<double> values);

/// The distance of grid lines, of which `least` leaves room for the numbers: 1, 2 or 5 times a power of ten,
/// and whole if that does not take the lines too far apart.
double round_step(double least);

/// The multiples of `step` that the axis shows.
std::vector<double> grid_values(const Axis& axis, double step);

/// At most six digits.
std::string number(double value);

}  // namespace strata::tools
