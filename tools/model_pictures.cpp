#include "tools/model_pictures.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "autograd/shape.hpp"
#include "tools/pictures.hpp"
#include "vae/likelihood.hpp"
#include "vae/quantile.hpp"
#include "vae/streams.hpp"

namespace strata::tools {
namespace {

constexpr std::size_t columns = 10, pairs = 8;

// (N, D) as square images (N, side, side)
Tensor<float> as_images(Tensor<float> x) {
  const auto side = static_cast<std::size_t>(std::lround(std::sqrt(x.shape(1))));
  if (side * side != x.shape(1))
    fail("pictures", "images of " + std::to_string(x.shape(1)) + " pixels are not square");
  x.reshape({x.shape(0), side, side});
  return x;
}

// A condition on the tape, or none.
Var<float> on(Tape<float>& tape, const Tensor<float>& condition) {
  return condition.dimension() == 2 ? tape.constant(condition) : Var<float>();
}

// The path on which every z is the mean of its posterior.
Path<float> mean_path(MarkovHvae<float>& model, Tape<float>& tape, const ModelInput& input) {
  Layers<Var<float>> zero;
  for (const std::size_t width : model.latent())
    zero.push_back(tape.constant(Shape{input.x.shape(0), width}, [](Tensor<float>& e) { e.fill(0.0f); }));
  Rng unused;
  return model.path({tape.constant(input.x), on(tape, input.condition)}, zero, unused, Mode::inference);
}

// One label for each row, the label's number the row's divided by `repeats`; nothing for an unconditional
// model.
Tensor<float> labels_in_turn(const RunConfig& config, std::size_t rows, std::size_t repeats) {
  const std::size_t width = condition_width(config);
  if (width == 0) return {};
  Tensor<float> condition = xt::zeros<float>({rows, width});
  for (std::size_t row = 0; row < rows; ++row) condition(row, row / repeats % width) = 1;
  return condition;
}

}  // namespace

ModelInput model_input(const ImageSet& set, std::size_t count, const RunConfig& config, std::uint64_t seed) {
  std::vector<std::size_t> rows(std::min(count, set.images.shape(0)));
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  ModelInput input;
  Rng rng{seed, 0, streams::test_set};
  gather_batch(set.images, rows, parse_binarize(config.binarize), rng, input.x);
  if (config.conditional) gather_one_hot(set.labels, rows, condition_width(config), input.condition);
  return input;
}

Tensor<std::uint8_t> picture_reconstructions(MarkovHvae<float>& model, const ModelInput& input) {
  Tape<float> tape(Record::values);
  const Tensor<float> decoded = mean(mean_path(model, tape, input).observation).value();
  return reconstructions(as_images(input.x), as_images(decoded), 16);
}

Tensor<std::uint8_t> picture_samples(MarkovHvae<float>& model, const RunConfig& config, std::uint64_t seed) {
  constexpr std::size_t count = columns * columns;
  Tape<float> tape(Record::values);
  Rng rng{seed, 0, streams::pictures};
  const auto condition = on(tape, labels_in_turn(config, count, columns));
  const auto z = model.draw(tape, 1, count, condition, rng);
  return tile(as_images(mean(model.generate(z, 1, condition, rng)).value()), columns);
}

Tensor<std::uint8_t> picture_layer(MarkovHvae<float>& model, const RunConfig& config, std::size_t t,
                                   std::uint64_t seed) {
  Tape<float> tape(Record::values);
  Rng rng{seed, 0, streams::pictures};
  const auto z = model.draw(tape, t, pairs, on(tape, labels_in_turn(config, pairs, 1)), rng);
  const auto condition = on(tape, labels_in_turn(config, pairs * columns, columns));
  return tile(as_images(mean(model.generate(repeat_rows(z, columns), t, condition, rng)).value()), columns);
}

Tensor<std::uint8_t> picture_interpolations(MarkovHvae<float>& model, const ModelInput& input) {
  if (input.x.shape(0) < 2 * pairs)
    fail("pictures", "needs at least " + std::to_string(2 * pairs) + " test images");
  Tape<float> tape(Record::values);
  const Tensor<float>& means = mean_path(model, tape, input).z[0].value();
  auto z = Tensor<float>::from_shape({pairs * columns, means.shape(1)});
  const bool conditional = input.condition.dimension() == 2;
  Tensor<float> condition;
  if (conditional) condition.resize({pairs * columns, input.condition.shape(1)});
  for (std::size_t pair = 0; pair < pairs; ++pair)
    for (std::size_t column = 0; column < columns; ++column) {
      const float w = static_cast<float>(column) / static_cast<float>(columns - 1);
      const auto between = [&](const Tensor<float>& ends) {
        return (1 - w) * xt::view(ends, 2 * pair, xt::all()) + w * xt::view(ends, 2 * pair + 1, xt::all());
      };
      xt::view(z, pair * columns + column, xt::all()) = between(means);
      if (conditional) xt::view(condition, pair * columns + column, xt::all()) = between(input.condition);
    }
  Rng unused;
  const auto decoded = model.decoder(beside(tape.constant(z), on(tape, condition)), unused, Mode::inference);
  return tile(as_images(mean(decoded).value()), columns);
}

bool has_manifold(const RunConfig& config) {
  return config.latent == std::vector<std::size_t>{2} && !config.conditional;
}

Tensor<std::uint8_t> picture_manifold(MarkovHvae<float>& model, ManifoldGrid grid) {
  constexpr std::size_t side = 20;
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
  Tape<float> tape(Record::values);
  Rng unused;
  const auto decoded = model.decoder(tape.constant(z), unused, Mode::inference);
  return tile(as_images(mean(decoded).value()), side, {.zoom = 1, .gap = 0});
}

Tensor<std::uint8_t> picture_latents(MarkovHvae<float>& model, const ImageSet& set, const ModelInput& input) {
  Rng rng{0, 0, streams::posterior_means};
  const Tensor<double> means = posterior_means(model, input.x, input.condition, 8, rng).back();
  const std::size_t count = means.shape(0), height = set.images.shape(1), width = set.images.shape(2);
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

  Tensor<float> examples(Shape{10, height, width}, 0.0f);  // the first image of each label
  for (std::size_t i = count; i-- > 0;)
    xt::view(examples, set.labels(i), xt::all(), xt::all()) =
        xt::cast<float>(xt::view(set.images, i, xt::all(), xt::all())) / 255.0f;
  const Tensor<std::uint8_t> labels = xt::view(set.labels, xt::range(std::size_t{0}, count));
  return scatter(points, labels, examples);
}

}  // namespace strata::tools
