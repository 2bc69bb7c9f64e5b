#include "tools/model_pictures.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "tools/pictures.hpp"
#include "vae/quantile.hpp"

namespace strata::tools {
namespace {

// (N, D) as square images (N, side, side)
Tensor<float> as_images(Tensor<float> x) {
  const auto side = static_cast<std::size_t>(std::lround(std::sqrt(x.shape(1))));
  x.reshape({x.shape(0), side, side});
  return x;
}

// E[x | z] for each row of z
Tensor<float> decode(Vae<float>& vae, const Tensor<float>& z) {
  Tape<float> tape(Record::values);
  Rng rng;
  return mean(vae.decoder(tape.constant(z), rng, Mode::inference)).value();
}

// The posterior means of a batch: (B, L)
Tensor<float> encode(Vae<float>& vae, const Tensor<float>& x) {
  Tape<float> tape(Record::values);
  Rng rng;
  return vae.encoder(tape.constant(x), rng, Mode::inference).mean.value();
}

Tensor<float> batch(const Tensor<std::uint8_t>& images, std::size_t first, std::size_t count,
                    Binarize binarize, Rng& rng) {
  std::vector<std::size_t> rows(count);
  std::iota(rows.begin(), rows.end(), first);
  Tensor<float> x;
  gather_batch(images, rows, binarize, rng, x);
  return x;
}

double spread(const Tensor<float>& x, std::size_t column) {
  const Tensor<double> values = xt::cast<double>(xt::view(x, xt::all(), column));
  return xt::variance(values)();
}

}  // namespace

Tensor<std::uint8_t> picture_reconstructions(Vae<float>& vae, const Tensor<std::uint8_t>& images,
                                             Binarize binarize, std::uint64_t seed) {
  constexpr std::size_t columns = 16, rows = 4;
  Rng rng{seed};
  const Tensor<float> x = batch(images, 0, std::min(columns * rows, images.shape(0)), binarize, rng);
  return reconstructions(as_images(x), as_images(decode(vae, encode(vae, x))), columns);
}

Tensor<std::uint8_t> picture_samples(Vae<float>& vae, std::uint64_t seed) {
  Rng rng{seed};
  auto z = Tensor<float>::from_shape({100, vae.latent()});
  fill_normal(rng, z);
  return tile(as_images(decode(vae, z)), 10);
}

Tensor<std::uint8_t> picture_manifold(Vae<float>& vae, ManifoldGrid grid) {
  constexpr std::size_t side = 20;
  if (vae.latent() != 2) fail("manifold", "needs two latents; there are " + std::to_string(vae.latent()));
  const auto place = [&](std::size_t i) {
    const double k = static_cast<double>(i);
    return static_cast<float>(grid == ManifoldGrid::quantiles ? normal_quantile((k + 0.5) / side)
                                                              : -2 + 4 * k / (side - 1));
  };
  auto z = Tensor<float>::from_shape({side * side, 2});
  for (std::size_t row = 0; row < side; ++row)
    for (std::size_t column = 0; column < side; ++column) {
      z(row * side + column, 0) = place(column);
      z(row * side + column, 1) = place(side - 1 - row);
    }
  return tile(as_images(decode(vae, z)), side, {.zoom = 1, .gap = 0});
}

Tensor<std::uint8_t> picture_latents(Vae<float>& vae, const ImageSet& set, Binarize binarize,
                                     std::uint64_t seed) {
  constexpr std::size_t chunk = 1000;
  const std::size_t count = set.images.shape(0), latent = vae.latent();
  Rng rng{seed};
  auto means = Tensor<float>::from_shape({count, latent});
  for (std::size_t first = 0; first < count; first += chunk) {
    const std::size_t last = std::min(count, first + chunk);
    xt::view(means, xt::range(first, last), xt::all()) =
        encode(vae, batch(set.images, first, last - first, binarize, rng));
  }
  std::vector<std::size_t> axes(latent);
  std::iota(axes.begin(), axes.end(), std::size_t{0});
  std::stable_sort(axes.begin(), axes.end(),
                   [&](std::size_t a, std::size_t b) { return spread(means, a) > spread(means, b); });
  axes.resize(2, 0);  // a single latent is drawn against itself
  std::sort(axes.begin(), axes.end());
  auto points = Tensor<float>::from_shape({count, 2});
  for (std::size_t axis = 0; axis < 2; ++axis)
    xt::view(points, xt::all(), axis) = xt::view(means, xt::all(), axes[axis]);

  const std::size_t height = set.images.shape(1), width = set.images.shape(2);
  Tensor<float> examples(Shape{10, height, width}, 0.0f);  // the first image of each label
  for (std::size_t i = count; i-- > 0;)
    xt::view(examples, set.labels(i), xt::all(), xt::all()) =
        xt::cast<float>(xt::view(set.images, i, xt::all(), xt::all())) / 255.0f;
  return scatter(points, set.labels, examples);
}

}  // namespace strata::tools
