#include "strata/tools/pictures/tiles.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <random>
#include <set>

using namespace strata;
using namespace strata::tools;
using Catch::Contains;

namespace {

using Pixels = Tensor<std::uint8_t>;
using Rgb = std::array<int, 3>;

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN(),
                inf = std::numeric_limits<float>::infinity();

// Where a picture of 900 × 800 has its plot, and the legend's swatches.
constexpr std::size_t plot_left = 76, plot_right = 770, plot_bottom = 760;
constexpr std::size_t swatch_x = 794, first_swatch_y = 53, legend_row = 74;

Rgb at(const Pixels& picture, std::size_t x, std::size_t y) {
  return {picture(y, x, 0), picture(y, x, 1), picture(y, x, 2)};
}

Rgb class_colour(const Pixels& picture, std::size_t label) {
  return at(picture, swatch_x, first_swatch_y + label * legend_row);
}

bool is_grey(const Rgb& colour) { return colour[0] == colour[1] && colour[1] == colour[2]; }

double distance(const Rgb& a, const Rgb& b) { return std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]); }

Tensor<float> ten_examples() { return Tensor<float>(Shape{10, 28, 28}, 0.5f); }

// The columns of the plot that have a coloured pixel.
std::set<std::size_t> coloured_columns(const Pixels& picture) {
  std::set<std::size_t> columns;
  for (std::size_t y = 0; y < plot_bottom; ++y)
    for (std::size_t x = plot_left; x < plot_right; ++x)
      if (!is_grey(at(picture, x, y))) columns.insert(x);
  return columns;
}

// Points in a square of the given half side, around 0.
Tensor<float> square_of_points(std::size_t count, float half_side) {
  std::mt19937 random(7);
  std::uniform_real_distribution<float> coordinate(-half_side, half_side);
  Tensor<float> points = Tensor<float>::from_shape({count, 2});
  for (float& value : points) value = coordinate(random);
  return points;
}

Pixels zeros(std::size_t count) { return Pixels(Shape{count}, std::uint8_t{0}); }

}  // namespace

TEST_CASE("A tile picture has its images in a grid with gaps, enlarged and clipped") {
  const Tensor<float> images{{{0.0f, 1.0f}}, {{0.5f, -3.0f}}, {{7.0f, not_a_number}}};  // (3, 1, 2)
  const Pixels picture = tile(images, 2, {.zoom = 2, .gap = 1, .gap_grey = 9});
  const Pixels expected{{9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9},         {9, 0, 0, 255, 255, 9, 128, 128, 0, 0, 9},
                        {9, 0, 0, 255, 255, 9, 128, 128, 0, 0, 9}, {9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9},
                        {9, 255, 255, 0, 0, 9, 9, 9, 9, 9, 9},     {9, 255, 255, 0, 0, 9, 9, 9, 9, 9, 9},
                        {9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9}};
  CHECK((picture == expected));
}

TEST_CASE("A tile picture is no wider than its images") {
  const Tensor<float> images(Shape{3, 28, 20}, 1.0f);
  CHECK((tile(images, 10).shape() == Shape{28 * 2 + 4, 3 * 42 + 2}));
  CHECK((tile(images, 1).shape() == Shape{3 * 58 + 2, 44}));
  CHECK((tile(images, 2, {.zoom = 1, .gap = 0}).shape() == Shape{56, 40}));
}

TEST_CASE("Reconstructions lie below their originals, and pairs apart") {
  const Tensor<float> originals(Shape{3, 1, 1}, 1.0f), reconstructed(Shape{3, 1, 1}, 0.2f);
  const Pixels picture =
      reconstructions(originals, reconstructed, 2, {.zoom = 1, .gap = 1, .pair_gap = 2, .gap_grey = 9});
  const Pixels expected{{9, 9, 9, 9, 9},  {9, 255, 9, 255, 9}, {9, 9, 9, 9, 9},   {9, 51, 9, 51, 9},
                        {9, 9, 9, 9, 9},  {9, 9, 9, 9, 9},     {9, 255, 9, 9, 9}, {9, 9, 9, 9, 9},
                        {9, 51, 9, 9, 9}, {9, 9, 9, 9, 9}};
  CHECK((picture == expected));
  CHECK((reconstructions(originals, reconstructed, 3, {.zoom = 1, .gap = 3, .pair_gap = 0}).shape() ==
         Shape{11, 15}));
}

TEST_CASE("A framed picture stands whole among its words, which name its rows and columns") {
  const auto dark = [](const Pixels& picture, std::size_t from_y, std::size_t to_y, std::size_t from_x,
                       std::size_t to_x) {
    std::size_t pixels = 0;
    for (std::size_t y = from_y; y < to_y; ++y)
      for (std::size_t x = from_x; x < to_x; ++x) pixels += at(picture, x, y) == Rgb{70, 70, 70};
    return pixels;
  };
  const Pixels grey(Shape{50, 100}, std::uint8_t{9});
  const Pixels bare = framed(grey, {});
  CHECK((bare.shape() == Shape{50 + 2 * 4, 100 + 2 * 4, 3}));
  CHECK(at(bare, 4, 4) == Rgb{9, 9, 9});
  CHECK(at(bare, 103, 53) == Rgb{9, 9, 9});
  CHECK(at(bare, 104, 53) == Rgb{255, 255, 255});
  // Two lines of a title, one for y; below, columns and x; at the left, rows.
  const Pixels full = framed(grey, {"a title that is too long", "x", "y", {"1", "2"}, {"a", "b"}});
  const std::size_t left = 5 + 8, top = 3 * 11 + 4;
  CHECK((full.shape() == Shape{top + 50 + 2 * 11 + 4, left + 100 + 4, 3}));
  CHECK(at(full, left, top) == Rgb{9, 9, 9});
  CHECK(dark(full, 0, 15, 0, 117) > 100);
  CHECK(dark(full, 15, 26, 0, 117) > 20);
  CHECK(dark(full, 26, top, 0, 12) > 5);
  CHECK(dark(full, top, top + 25, 0, left) > 5);
  CHECK(dark(full, top + 25, top + 50, 0, left) > 5);
  CHECK(dark(full, top + 50, top + 61, left + 20, left + 30) > 5);
  CHECK(dark(full, top + 50, top + 61, left + 70, left + 80) > 5);
  CHECK(dark(full, top + 50, top + 61, left + 35, left + 65) == 0);
  CHECK(dark(full, top + 62, top + 76, left + 90, left + 104) > 5);
  // Names for which there is no room are left out, not written over each other.
  const std::vector<std::string> many(40, "88");
  CHECK(dark(framed(grey, {.columns = many}), 54, 66, 0, 108) <
        5 * dark(framed(grey, {.columns = {"88"}}), 54, 66, 0, 108));
}

TEST_CASE("A scatter plot's axes have their names") {
  const auto words = [](const ScatterOptions& options) {
    const Pixels picture = scatter(Tensor<float>{{0, 0}}, Pixels{0}, ten_examples(), options);
    std::array<std::size_t, 2> dark{};
    for (std::size_t x = 76; x < 770; ++x)
      for (std::size_t y = 0; y < 12; ++y) {
        dark[0] += at(picture, x, 12 + y) == Rgb{70, 70, 70};
        dark[1] += at(picture, x, 788 + y) == Rgb{70, 70, 70};
      }
    return dark;
  };
  CHECK(words({}) == std::array<std::size_t, 2>{0, 0});
  const auto named = words({.x = "unit 1", .y = "unit 2"});
  CHECK((named[0] > 50 && named[1] > 50));
}

TEST_CASE("Grids reject what is no list of images") {
  const Tensor<float> images(Shape{4, 2, 3}, 0.0f), flat(Shape{4, 6}, 0.0f), none(Shape{0, 2, 3}, 0.0f);
  CHECK_THROWS_WITH(tile(flat, 2), "[tile] needs images (N, h, w) with N, h, w > 0, but they are (4, 6)");
  CHECK_THROWS_WITH(tile(none, 2), Contains("(0, 2, 3)"));
  CHECK_THROWS_AS(tile(images, 0), std::invalid_argument);
  CHECK_THROWS_AS(tile(images, 2, {.zoom = 0}), std::invalid_argument);
  CHECK_THROWS_WITH(reconstructions(images, flat, 2),
                    "[reconstructions] originals are (4, 2, 3), but reconstructed are (4, 6)");
}

TEST_CASE("A scatter plot shows a point in its class's colour, and ten colours that differ") {
  for (std::size_t label = 0; label < 10; ++label) {
    // One point lies in the middle of the plot, away from the grid's lines.
    const Tensor<float> point{{0.3f, 0.7f}};
    const Pixels picture = scatter(point, Pixels{static_cast<std::uint8_t>(label)}, ten_examples());
    REQUIRE((picture.shape() == Shape{800, 900, 3}));
    const Rgb colour = class_colour(picture, label), middle = at(picture, 423, 388);
    for (std::size_t c = 0; c < 3; ++c) CHECK(middle[c] == std::lround(255 + 0.6 * (colour[c] - 255)));
    CHECK(distance(colour, {255, 255, 255}) > 100);
    for (std::size_t other = 0; other < label; ++other)
      CHECK(distance(colour, class_colour(picture, other)) > 60);
    CHECK(at(picture, 423, 380) == Rgb{255, 255, 255});
  }
}

TEST_CASE("A scatter plot has x to the right and y upwards in the same scale") {
  const Tensor<float> points{{-2, 0}, {2, 0}, {0, 1}, {0, -1}};
  const Pixels labels{0, 1, 2, 3};
  const Pixels picture = scatter(points, labels, ten_examples());
  const double scale = (plot_right - plot_left) / (4 * 1.06);
  const auto nearest = [&](double x, double y) {
    // Beside the point's centre: off the lines through zero.
    const Rgb pixel = at(picture, static_cast<std::size_t>(std::lround(423 + scale * x)) + 1,
                         static_cast<std::size_t>(std::lround(388 - scale * y)) + 1);
    std::size_t best = 0;
    for (std::size_t c = 1; c < 4; ++c) {
      const auto tint = [&](std::size_t label) {
        Rgb colour = class_colour(picture, label);
        for (int& channel : colour) channel = static_cast<int>(std::lround(255 + 0.6 * (channel - 255)));
        return colour;
      };
      if (distance(pixel, tint(c)) < distance(pixel, tint(best))) best = c;
    }
    return best;
  };
  CHECK(nearest(-2, 0) == 0);
  CHECK(nearest(2, 0) == 1);
  CHECK(nearest(0, 1) == 2);
  CHECK(nearest(0, -1) == 3);
  // A line at each whole number, the darkest at 0.
  CHECK(at(picture, 423, 700) == Rgb{180, 180, 180});
  CHECK(at(picture, static_cast<std::size_t>(std::lround(423 + scale)), 700) == Rgb{232, 232, 232});
  CHECK(at(picture, static_cast<std::size_t>(std::lround(423 + scale / 2)), 700) == Rgb{255, 255, 255});
}

TEST_CASE("Outliers and points that are not finite do not squeeze a scatter plot") {
  Tensor<float> points = square_of_points(1000, 1);
  points(0, 0) = 1e6f;
  points(1, 1) = -1e30f;
  points(2, 0) = not_a_number;
  points(3, 1) = inf;
  const auto columns = coloured_columns(scatter(points, zeros(1000), ten_examples()));
  CHECK(columns.size() > 600);
}

TEST_CASE("A scatter plot of no point, of equal points or of tiny and huge ones is a picture, too") {
  const auto columns_of = [](const Tensor<float>& points) {
    return coloured_columns(scatter(points, zeros(points.shape()[0]), ten_examples()));
  };
  CHECK(columns_of(Tensor<float>(Shape{0, 2}, 0.0f)).empty());
  CHECK(columns_of(Tensor<float>{{not_a_number, 1}}).empty());
  CHECK_FALSE(columns_of(Tensor<float>(Shape{50, 2}, 3e38f)).empty());
  CHECK(columns_of(square_of_points(1000, 1e-30f)).size() > 600);
  CHECK(columns_of(square_of_points(1000, 1e30f)).size() > 600);
}

TEST_CASE("No class lies on top in a scatter plot, even where points are sorted by class") {
  const std::size_t count = 20'000;
  const Tensor<float> points = square_of_points(count, 1);
  // How many pixels are rather blue, as class 0 is, than red, as class 3 is.
  const auto blue_pixels = [&](auto&& label_of) {
    Pixels labels = zeros(count);
    for (std::size_t i = 0; i < count; ++i) labels(i) = label_of(i) ? 3 : 0;
    const Pixels picture = scatter(points, labels, ten_examples());
    double blue = 0;
    for (std::size_t y = 0; y < plot_bottom; ++y)
      for (std::size_t x = plot_left; x < plot_right; ++x) blue += picture(y, x, 2) > picture(y, x, 0);
    return blue;
  };
  const double sorted = blue_pixels([](std::size_t i) { return i < count / 2; });
  CHECK(sorted > 50'000);
  CHECK(blue_pixels([](std::size_t i) { return i >= count / 2; }) == Approx(sorted).epsilon(0.02));
  CHECK(blue_pixels([](std::size_t i) { return i % 2 == 0; }) == Approx(sorted).epsilon(0.02));
  CHECK(blue_pixels([](std::size_t i) { return i % 2 == 1; }) == Approx(sorted).epsilon(0.02));
}

TEST_CASE("The legend of a scatter plot has each class's example") {
  Tensor<float> examples(Shape{2, 28, 28}, 0.0f);
  examples(1, 0, 27) = 1;
  const Tensor<float> point{{0, 0}};
  const Pixels picture = scatter(point, Pixels{1}, examples);
  const std::size_t left = 834, top = first_swatch_y + legend_row - 28;
  CHECK(at(picture, left, top) == Rgb{0, 0, 0});
  CHECK(at(picture, left + 53, top) == Rgb{0, 0, 0});
  for (const std::size_t x : {54, 55}) CHECK(at(picture, left + x, top + 1) == Rgb{255, 255, 255});
  CHECK(at(picture, left + 56, top) == Rgb{255, 255, 255});
  CHECK(at(picture, left + 55, top + 2) == Rgb{0, 0, 0});
  // Two classes have two rows.
  CHECK(at(picture, swatch_x, first_swatch_y + 2 * legend_row) == Rgb{255, 255, 255});
  // An example that is too large is thinned out.
  const Tensor<float> large(Shape{10, 300, 200}, 0.0f);
  const Pixels small = scatter(point, Pixels{1}, large, {.width = 400, .height = 300});
  CHECK((small.shape() == Shape{300, 400, 3}));
  CHECK(at(small, 400 - 130 + 64, 16 + 12) == Rgb{0, 0, 0});
  CHECK(at(small, 400 - 130 + 64 + 12, 16 + 12) == Rgb{255, 255, 255});
}

TEST_CASE("The legend of a scatter plot has each class's name, and room for it") {
  const Tensor<float> point{{0, 0}};
  const auto with = [&](std::vector<std::string> labels) {
    return scatter(point, Pixels{0}, ten_examples(), {.labels = std::move(labels)});
  };
  CHECK((with({}) == with({"0", "1", "2"})));
  CHECK((with({"0", "1"}) != with({"0", "7"})));
  // "horse" takes 48 pixels more than a digit, and the plot as many less; the longest name is cut at a fifth.
  const auto edge_of_lines = [](const Pixels& picture) {
    std::size_t edge = 0;
    for (std::size_t y = 0; y < plot_bottom; ++y)
      for (std::size_t x = 0; x < 900; ++x)
        if (at(picture, x, y) == Rgb{232, 232, 232}) edge = std::max(edge, x);
    return edge;
  };
  CHECK(edge_of_lines(with({})) == plot_right - 1);
  CHECK(edge_of_lines(with({"horse"})) == plot_right - 1 - 48);
  CHECK(edge_of_lines(with({std::string(300, 'x')})) == 900 - 120 - 178 - 1);
}

TEST_CASE("Small images are enlarged to about 56 pixels, large ones stay as they are") {
  CHECK(zoom_to(56, {28, 28}) == 2);
  CHECK(zoom_to(56, {7, 8, 8}) == 7);
  CHECK(zoom_to(56, {20, 30}) == 2);
  CHECK(zoom_to(56, {300, 2}) == 1);
  CHECK((tile(Tensor<float>(Shape{1, 8, 4}, 0.0f), 1).shape() == Shape{60, 32}));
}

TEST_CASE("A scatter plot tells apart more classes than there are colours") {
  const Tensor<float> point(Shape{1, 2}, 0.0f), examples(Shape{62, 5, 9}, 0.5f);
  std::vector<Pixels> pictures;
  for (const std::uint32_t label : {2u, 12u, 22u, 32u})
    pictures.push_back(scatter(point, Tensor<std::uint32_t>{label}, examples));
  CHECK((pictures[0] != pictures[1]));
  CHECK((pictures[0] != pictures[2]));
  CHECK((pictures[1] != pictures[2]));
  CHECK((pictures[0] == pictures[3]));
}

TEST_CASE("A scatter plot rejects shapes and labels that do not fit") {
  const Tensor<float> points(Shape{4, 2}, 0.0f), examples = ten_examples();
  const Pixels labels = zeros(4);
  CHECK_THROWS_WITH(
      scatter(Tensor<float>(Shape{4, 3}, 0.0f), labels, examples),
      "[scatter] needs points (N, 2), labels (N) and examples (C, h, w) with C, h, w > 0: points "
      "are (4, 3), labels (4), examples (10, 28, 28)");
  CHECK_THROWS_WITH(scatter(points, zeros(5), examples), Contains("labels (5)"));
  CHECK_THROWS_AS(scatter(points, Pixels(Shape{4, 1}, std::uint8_t{0}), examples), std::invalid_argument);
  CHECK_THROWS_AS(scatter(points, labels, Tensor<float>(Shape{0, 28, 28}, 0.0f)), std::invalid_argument);
  CHECK_THROWS_WITH(scatter(points, Pixels{0, 1, 2, 10}, examples),
                    "[scatter] a label is 10, but examples (10, 28, 28) have no such class");
  CHECK_THROWS_WITH(scatter(points, labels, examples, {.width = 399}),
                    "[scatter] a picture of 399 x 800 pixels is too small; the least is 400 x 300");
}
