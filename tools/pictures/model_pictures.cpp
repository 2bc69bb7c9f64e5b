#include "strata/tools/pictures/model_pictures.hpp"

#include <cmath>
#include <numbers>
#include <numeric>

#include "strata/tools/pictures/canvas.hpp"

namespace strata::tools::detail {
namespace {

// Φ⁻¹(p) by Newton's method from 0, which is monotone: Φ is concave above 0 and convex below.
double normal_quantile(double p) {
  double x = 0;
  for (int step = 0; step < 20; ++step) {
    const double density = std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi);
    x -= (std::erfc(-x / std::numbers::sqrt2) / 2 - p) / density;
  }
  return x;
}

}  // namespace

Tensor<float> as_images(Tensor<float> x, const Shape& image) {
  if (image.size() != 2)
    fail("pictures",
         "examples are " + to_string(image) + ", no images; data (N, height, width) are pictured");
  if (element_count(image) != x.shape(1))
    fail("pictures",
         "examples of " + std::to_string(x.shape(1)) + " values are no images " + to_string(image));
  x.reshape({x.shape(0), image[0], image[1]});
  return x;
}

Var<float> labels_in_turn(Tape<float>& tape, std::size_t classes, std::size_t rows, std::size_t repeats) {
  if (classes == 0) return {};
  return tape.constant(Shape{rows, classes}, [=](Tensor<float>& condition) {
    condition.fill(0.0f);
    for (std::size_t row = 0; row < rows; ++row) condition(row, row / repeats % classes) = 1;
  });
}

Tensor<float> interpolated(const Tensor<float>& ends) {
  constexpr std::size_t columns = picture_columns;
  const std::size_t pairs = std::min(picture_rows, ends.shape(0) / 2);
  if (pairs == 0) fail("pictures", "one example has no other to be interpolated to; give two at least");
  auto between = Tensor<float>::from_shape({pairs * columns, ends.shape(1)});
  for (std::size_t pair = 0; pair < pairs; ++pair)
    for (std::size_t column = 0; column < columns; ++column) {
      const float w = static_cast<float>(column) / static_cast<float>(columns - 1);
      xt::view(between, pair * columns + column, xt::all()) =
          (1 - w) * xt::view(ends, 2 * pair, xt::all()) + w * xt::view(ends, 2 * pair + 1, xt::all());
    }
  return between;
}

Tensor<float> manifold_points(ManifoldGrid grid) {
  constexpr std::size_t side = manifold_side;
  const auto place = [&](std::size_t i) {
    const auto k = static_cast<double>(i);
    return static_cast<float>(grid == ManifoldGrid::quantiles ? normal_quantile((k + 0.5) / side)
                                                              : -2 + 4 * k / (side - 1));
  };
  auto z = Tensor<float>::from_shape({side * side, 2});
  for (std::size_t row = 0; row < side; ++row)
    for (std::size_t column = 0; column < side; ++column) {
      z(row * side + column, 0) = place(column);
      z(row * side + column, 1) = place(side - 1 - row);
    }
  return z;
}

Frame manifold_frame(const Tensor<float>& points) {
  Frame frame{"E[x|z] over the latent plane", "z, unit 1", "z, unit 2", {}, {}};
  const auto text = [&](std::size_t point, std::size_t unit) {
    return number(std::round(static_cast<double>(points(point, unit)) * 100) / 100);
  };
  for (std::size_t i = 0; i < manifold_side; ++i) {
    frame.columns.push_back(text(i, 0));
    frame.rows.push_back(text(i * manifold_side, 1));
  }
  return frame;
}

std::vector<std::string> names_in_turn(const std::vector<std::string>& labels, std::size_t rows) {
  std::vector<std::string> names;
  for (std::size_t row = 0; !labels.empty() && row < rows; ++row)
    names.push_back(labels[row % labels.size()]);
  return names;
}

Tensor<std::uint8_t> scatter_of_latents(const Tensor<double>& means, const Dataset& data,
                                        std::vector<std::string> names) {
  const std::size_t count = means.shape(0);
  const auto spread = [&](std::size_t unit) {
    const Tensor<double> values = xt::view(means, xt::all(), unit);
    return xt::variance(values)();
  };
  std::vector<std::size_t> axes(means.shape(1));
  std::iota(axes.begin(), axes.end(), std::size_t{0});
  std::stable_sort(axes.begin(), axes.end(),
                   [&](std::size_t a, std::size_t b) { return spread(a) > spread(b); });
  axes.resize(2, 0);  // a single unit is drawn against itself
  std::sort(axes.begin(), axes.end());
  auto points = Tensor<float>::from_shape({count, 2});
  for (std::size_t axis = 0; axis < 2; ++axis)
    xt::view(points, xt::all(), axis) = xt::cast<float>(xt::view(means, xt::all(), axes[axis]));

  Rng unused;
  const Tensor<float> grey = first_examples<float>(data, count, Binarize::none, unused).x.value();
  Tensor<std::uint32_t> labels = xt::zeros<std::uint32_t>({count});
  if (data.labels)
    labels = xt::view(*data.labels, xt::range(std::size_t{0}, count));
  else
    names = {""};
  // The first image of each label, or of all.
  Tensor<float> legend = xt::zeros<float>({data.labels ? data.classes : 1, data.width()});
  for (std::size_t i = count; i-- > 0;) xt::view(legend, labels(i), xt::all()) = xt::view(grey, i, xt::all());
  const auto name = [&](std::size_t axis) {
    return "posterior mean of the top layer's unit " + std::to_string(axis + 1);
  };
  return scatter(points, labels, as_images(legend, data.example_shape()),
                 {.x = name(axes[0]), .y = name(axes[1]), .labels = std::move(names)});
}

}  // namespace strata::tools::detail
