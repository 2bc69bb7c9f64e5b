#include "strata/tools/run/view.hpp"

#include <algorithm>

#include "strata/vae/streams.hpp"

namespace strata::tools {
namespace {

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
    Rng rng{config.seed, 0, streams::feature_draws};
    for_each_set(data, [&](Dataset& set) {
      const bool trained_on = &set == &data.train,
                 drawn = config.feature_draws > 0 && (trained_on || config.model != ModelKind::m2);
      const std::size_t count = set.size(), times = trained_on && drawn ? config.feature_draws : 1;
      std::vector<std::size_t> rows(times * count);
      for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = i % count;
      set.examples = features(encoder, set, rows, drawn ? &rng : nullptr);
      if (!set.labels) return;
      Tensor<std::uint32_t> labels(Shape{rows.size()});
      for (std::size_t i = 0; i < rows.size(); ++i) labels(i) = (*set.labels)(rows[i]);
      set.labels = std::move(labels);
    });
  }
  if (config.quadrants > 0) {
    if (!is_image(data.train)) fail("quadrants", "the data are no images");
    const auto given = quadrants(data.train.example_shape(), config.quadrants);
    for_each_set(data, [&](Dataset& set) { set.given = given; });
  }
}

Tensor<float> features(const Run& run, const Dataset& data, std::span<const std::size_t> rows, Rng* rng) {
  constexpr std::size_t together = 1000;
  if (run.config.conditional || run.config.quadrants > 0 || run.model.latent().empty())
    fail("features",
         "a model that reads labels or quadrants, or has no latents, gives none of an image alone");
  Rng unused;
  Batch<float> batch;
  Tape<float> tape(Record::values);
  auto z = Tensor<float>::from_shape({rows.size(), run.model.latent()[0]});
  for (std::size_t first = 0; first < rows.size(); first += together) {
    const auto some = rows.subspan(first, std::min(together, rows.size() - first));
    gather(data, some, rng ? run.config.binarize : Binarize::none, rng ? *rng : unused, batch);
    tape.reset();
    const auto pass = run.model.pass(batch.on(tape), rng ? Noise<float>(*rng) : Noise<float>::zero());
    xt::view(z, xt::range(first, first + some.size())) =
        (rng ? pass.layers[0].z : pass.layers[0].mean).value();
  }
  return z;
}

bool is_image(const Dataset& data) { return data.example_shape().size() == 2; }

}  // namespace strata::tools
