// What a generative model has learnt, as pictures.
#pragma once

#include <algorithm>

#include "strata/autograd/shape.hpp"
#include "strata/tools/pictures/tiles.hpp"
#include "strata/vae/estimation.hpp"

namespace strata::tools {

/// How a model's pictures are drawn.
struct PictureOptions {
  Shape image;                           ///< (height, width) of an example
  std::vector<std::string> labels = {};  ///< names of those that the model reads as its condition, if it does
  std::uint64_t seed = 0;                ///< of what is drawn
};

/// Where the manifold's z lie: at equal steps of the prior's probability, or of z itself from −2 to 2.
enum class ManifoldGrid { quantiles, linear };

}  // namespace strata::tools

template <> struct strata::Named<strata::tools::ManifoldGrid> {
  static constexpr const char* what = "manifold";
  static constexpr std::array names = {"quantiles", "linear"};
};

namespace strata::tools {

namespace detail {

inline constexpr std::size_t picture_columns = 10, picture_rows = 8;

/// (N, D) as images (N, height, width).
Tensor<float> as_images(Tensor<float> x, const Shape& image);

/// One label for each row as a unit vector, the label's number the row's divided by `repeats`; nothing
/// without classes.
Var<float> labels_in_turn(Tape<float>& tape, std::size_t classes, std::size_t rows, std::size_t repeats);

/// Between rows 2 i and 2 i + 1 of `ends` in equal steps, a row of columns for each of at most eight pairs.
Tensor<float> interpolated(const Tensor<float>& ends);

/// A 20 × 20 grid of two-dimensional z, the first component growing to the right, the second upwards.
Tensor<float> manifold_points(ManifoldGrid grid);
inline constexpr std::size_t manifold_side = 20;
Frame manifold_frame(const Tensor<float>& points);

/// The labels' names in turn for so many rows; nothing without labels.
std::vector<std::string> names_in_turn(const std::vector<std::string>& labels, std::size_t rows);

/// `means` (N, L) as points coloured by label, with the first example of each label (or of all) as a legend.
Tensor<std::uint8_t> scatter_of_latents(const Tensor<double>& means, const Dataset& data,
                                        std::vector<std::string> labels);

/// f(z_t) for every layer.
template <class F> Layers<Var<float>> each_layer(const Layers<Var<float>>& z, F f) {
  Layers<Var<float>> result;
  for (const auto& layer : z) result.push_back(f(layer));
  return result;
}

/// z_1 ... z_T, every one the mean of its posterior.
template <LatentModel Model> Layers<Var<float>> encode(const Model& model, const Given<float>& given) {
  Layers<Var<float>> z;
  for (const auto& layer : model.pass(given, Noise<float>::zero(), Context{}).layers) z.push_back(layer.z);
  return z;
}

}  // namespace detail

/// Examples above their reconstructions E[x | z_1], every z_t the mean of its posterior.
template <GenerativeModel Model> Tensor<std::uint8_t> picture_reconstructions(const Model& model,
                                                                              const Batch<float>& batch,
                                                                              const PictureOptions& options) {
  Tape<float> tape(Record::values);
  const Given<float> given = batch.on(tape);
  const auto decoded = model.decode(detail::encode(model, given), given.condition, Noise<float>::zero());
  return framed(reconstructions(detail::as_images(batch.x.value(), options.image),
                                detail::as_images(decoded.value(), options.image), 16),
                {.title = "each row of data above its reconstructions E[x|z]"});
}

/// The same apart: eight in a row, without words.
template <GenerativeModel Model>
std::pair<Tensor<std::uint8_t>, Tensor<std::uint8_t>> picture_pairs(const Model& model,
                                                                    const Batch<float>& batch,
                                                                    const PictureOptions& options) {
  Tape<float> tape(Record::values);
  const Given<float> given = batch.on(tape);
  const auto decoded = model.decode(detail::encode(model, given), given.condition, Noise<float>::zero());
  const auto grid = [&](const Tensor<float>& x) { return tile(detail::as_images(x, options.image), 8); };
  return {grid(batch.x.value()), grid(decoded.value())};
}

/// E[x | z_1] for 100 ancestral draws from p; for a conditional model ten of each label (of the first 100), a
/// row each.
template <GenerativeModel Model>
Tensor<std::uint8_t> picture_samples(const Model& model, const PictureOptions& options) {
  constexpr std::size_t columns = detail::picture_columns;
  const std::size_t count = columns * std::clamp<std::size_t>(options.labels.size(), 10, 100);
  Tape<float> tape(Record::values);
  Rng rng{options.seed, 0, streams::pictures};
  const auto condition = detail::labels_in_turn(tape, options.labels.size(), count, columns);
  const auto decoded = model.decode(model.draw(tape, 1, count, condition, rng), condition, rng);
  return framed(tile(detail::as_images(decoded.value(), options.image), columns),
                {.title = options.labels.empty() ? "E[x|z] of draws from the prior"
                                                 : "E[x|z] of draws from the prior, a row for each label",
                 .rows = detail::names_in_turn(options.labels, count / columns)});
}

/// What the layers below z_t decide: in each of eight rows z_T ... z_t of one ancestral draw are kept, and
/// those below are drawn anew in each of ten columns. t counts from 1.
template <GenerativeModel Model>
Tensor<std::uint8_t> picture_layer(const Model& model, std::size_t t, const PictureOptions& options) {
  constexpr std::size_t rows = detail::picture_rows, columns = detail::picture_columns;
  Tape<float> tape(Record::values);
  Rng rng{options.seed, 0, streams::pictures};
  const auto z = model.draw(tape, t, rows, detail::labels_in_turn(tape, options.labels.size(), rows, 1), rng);
  const auto condition = detail::labels_in_turn(tape, options.labels.size(), rows * columns, columns);
  const auto repeated = detail::each_layer(z, [](auto layer) { return repeat_rows(layer, columns); });
  const auto decoded = model.decode(repeated, condition, rng);
  return framed(tile(detail::as_images(decoded.value(), options.image), columns),
                {.title = "each row keeps a draw of z_" + std::to_string(t) +
                          " and of the layers above; those below are drawn anew",
                 .rows = detail::names_in_turn(options.labels, rows)});
}

/// From one example's posterior means of all z_t to another's in ten equal steps, a row for each of at most
/// eight pairs. Throws for fewer than two examples.
template <GenerativeModel Model> Tensor<std::uint8_t> picture_interpolations(const Model& model,
                                                                             const Batch<float>& batch,
                                                                             const PictureOptions& options) {
  Tape<float> tape(Record::values);
  const auto z = detail::each_layer(detail::encode(model, batch.on(tape)), [&](auto layer) {
    return tape.constant(detail::interpolated(layer.value()));
  });
  const auto condition =
      batch.condition ? tape.constant(detail::interpolated(batch.condition->value())) : Var<float>();
  const auto decoded = model.decode(z, condition, Noise<float>::zero());
  return framed(tile(detail::as_images(decoded.value(), options.image), detail::picture_columns),
                {.title = "from one image's posterior means to another's"});
}

/// E[x | z] on a grid of z, for a model with one layer of two latents that reads no label.
template <GenerativeModel Model>
Tensor<std::uint8_t> picture_manifold(const Model& model, ManifoldGrid grid, const PictureOptions& options) {
  Tape<float> tape(Record::values);
  const auto z = tape.constant(detail::manifold_points(grid));
  const auto decoded = model.decode({z}, {}, Noise<float>::zero());
  return framed(tile(detail::as_images(decoded.value(), options.image), detail::manifold_side,
                     {.zoom = zoom_to(28, options.image), .gap = 0}),
                detail::manifold_frame(z.value()));
}

/// The posterior means of the top layer, coloured by label where there are labels; of more than two units,
/// the two whose means vary most. `batch` holds the data's first examples, `labels` the names of its classes.
template <LatentModel Model> Tensor<std::uint8_t> picture_latents(const Model& model, const Dataset& data,
                                                                  const Batch<float>& batch,
                                                                  std::vector<std::string> labels = {}) {
  Rng rng{0, 0, streams::posterior_means};
  return detail::scatter_of_latents(posterior_means(model, batch, 8, rng).back(), data, std::move(labels));
}

}  // namespace strata::tools
