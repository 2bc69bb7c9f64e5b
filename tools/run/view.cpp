#include "strata/tools/run/view.hpp"

#include "strata/tools/run/run_folder.hpp"

namespace strata::tools {
namespace {

// E[z_1 | x] of grey images x: (N, L)
Tensor<float> encoded(const Model& model, const Dataset& data) {
  constexpr std::size_t together = 1000;
  std::vector<std::size_t> rows(data.size());
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = i;
  Rng rng;
  Batch<float> batch;
  Tape<float> tape(Record::values);
  auto z = Tensor<float>::from_shape({rows.size(), model.latent()[0]});
  for (std::size_t first = 0; first < rows.size(); first += together) {
    const std::size_t last = std::min(first + together, rows.size());
    gather(data, std::span(rows).subspan(first, last - first), Binarize::none, rng, batch);
    tape.reset();
    const auto pass = model.pass(batch.on(tape), Noise<float>::zero());
    xt::view(z, xt::range(first, last)) = pass.layers[0].mean.value();
  }
  return z;
}

// The first quadrants of lower left, upper left, lower right, as Sohn et al. (2015) give them: of one
// quadrant the lower left, of two the left half, of three all but the upper right.
std::vector<std::size_t> quadrants(const Shape& image, std::size_t count) {
  const std::size_t height = image[0], width = image[1];
  std::vector<std::size_t> pixels;
  for (std::size_t row = 0; row < height; ++row)
    for (std::size_t column = 0; column < width; ++column) {
      const bool lower = row >= height / 2, left = column < width / 2;
      const std::size_t quadrant = left ? (lower ? 1 : 2) : (lower ? 3 : 4);
      if (quadrant <= count) pixels.push_back(row * width + column);
    }
  return pixels;
}

template <class F> void for_each_set(ImageData& data, F f) {
  f(data.train);
  f(data.test);
  if (data.validation) f(*data.validation);
}

}  // namespace

void view(ImageData& data, const RunConfig& config) {
  if (!config.features.empty()) {
    const Run encoder = load_run(config.features);
    if (encoder.pixels != data.train.width())
      fail("features", "its model reads " + std::to_string(encoder.pixels) + " pixels, these images have " +
                           std::to_string(data.train.width()));
    for_each_set(data, [&](Dataset& set) { set.examples = encoded(encoder.model, set); });
  }
  if (config.quadrants > 0) {
    if (!is_image(data.train)) fail("quadrants", "the data are no images");
    const auto given = quadrants(data.train.example_shape(), config.quadrants);
    for_each_set(data, [&](Dataset& set) { set.given = given; });
  }
}

bool is_image(const Dataset& data) { return data.example_shape().size() == 2; }

}  // namespace strata::tools
