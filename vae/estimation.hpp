// Likelihood estimation by importance sampling, and posterior means, of any model.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "strata/vae/batches.hpp"
#include "strata/vae/metrics.hpp"
#include "strata/vae/streams.hpp"

namespace strata {

struct EstimationOptions {
  std::size_t samples = 5000;  ///< K, of each image
  std::size_t chunk = 1024;    ///< draws computed together, in 64s: bounds the memory, changes nothing else
  std::uint64_t seed = 0;      ///< of the draws
};

/// What importance sampling says of one image, in nats.
struct ImageEstimate {
  double log_likelihood;  ///< ln 1/K Σ w_k, the IWAE bound with K draws and an estimate of ln p(x)
  Metrics metrics;        ///< means over the draws: the ELBO with K draws
};

/// A mean with its standard error, √(sample variance / N).
struct MeanAndError {
  double mean, standard_error;
};

/// Both, of at least one value; a single one has no error. Throws for none.
MeanAndError mean_and_error(const std::vector<double>& values);

namespace detail {

// Noise is drawn in blocks of so many draws, each from a place of its own in the image's stream, so that the
// same draws are made however they are gathered into chunks.
inline constexpr std::size_t draws_per_block = 64;

/// Writes the noise of draws first ... first + rows − 1 of one image's layer t, a row each; `first` is a
/// multiple of the block.
template <class T> void fill_addressed(std::uint64_t seed, std::size_t image, std::size_t first,
                                       std::size_t t, Tensor<T>& noise);

/// ln Σ e^v, over any number of additions
class LogSum {
 public:
  void add(double v);
  double value() const { return largest_ + std::log(sum_); }

 private:
  double largest_ = -std::numeric_limits<double>::infinity();
  double sum_ = 0;
};

}  // namespace detail

/// Estimates ln p(x) of every image, a row of the batch, in {0, 1} for a Bernoulli likelihood. Weights are
/// accumulated by log-sum-exp, in double. Draw k of image n depends on (seed, n, k) alone. on_image(images
/// done) is called after each image. Throws for 0 samples or chunk.
template <class T, LatentModel<T> Model>
std::vector<ImageEstimate> estimate_likelihood(const Model& model, const Batch<T>& images,
                                               const EstimationOptions& options,
                                               const std::function<void(std::size_t)>& on_image = {}) {
  constexpr std::size_t block = detail::draws_per_block;
  if (options.samples == 0 || options.chunk == 0)
    fail("estimate_likelihood", "needs at least one sample and one draw a chunk");
  const std::size_t chunk = (options.chunk + block - 1) / block * block;
  Tape<T> tape(Record::values);
  std::vector<ImageEstimate> estimates;
  for (std::size_t image = 0; image < images.x.shape(0); ++image) {
    const Batch<T> one = images.rows(image, image + 1);
    detail::LogSum weights;
    Metrics sum;
    for (std::size_t first = 0; first < options.samples; first += chunk) {
      const std::size_t count = std::min(chunk, options.samples - first);
      tape.reset();
      const Noise<T> noise([&, t = std::size_t{0}](Tensor<T>& x) mutable {
        detail::fill_addressed(options.seed, image, first, t++, x);
      });
      const auto pass = model.pass(one.on(tape, count), noise, Context{});
      for (const T log_weight : pass.log_weight().value()) weights.add(static_cast<double>(log_weight));
      sum += mean_metrics(pass) * static_cast<double>(count);
    }
    const auto samples = static_cast<double>(options.samples);
    estimates.push_back({weights.value() - std::log(samples), sum / samples});
    if (on_image) on_image(image + 1);
  }
  return estimates;
}

/// The means E_q[z_t] of the images, averaged over `samples` draws of the layers below: for each layer
/// (N, L_t).
template <class T, LatentModel<T> Model>
std::vector<Tensor<double>> posterior_means(const Model& model, const Batch<T>& images, std::size_t samples,
                                            Rng& rng) {
  constexpr std::size_t together = 100;
  const std::size_t count = images.x.shape(0);
  std::vector<Tensor<double>> means;
  Tape<T> tape(Record::values);
  for (std::size_t first = 0; first < count; first += together) {
    const Batch<T> some = images.rows(first, std::min(count, first + together));
    tape.reset();
    const auto pass = model.pass(some.on(tape, samples), rng, Context{});
    for (std::size_t t = 0; t < pass.layers.size(); ++t) {
      const Tensor<T>& drawn = pass.layers[t].mean.value();  // (rows · samples, L)
      const std::size_t width = drawn.shape(1);
      if (first == 0) means.emplace_back(xt::zeros<double>({count, width}));
      for (std::size_t row = 0; row < drawn.shape(0); ++row)
        for (std::size_t unit = 0; unit < width; ++unit)
          means[t](first + row / samples, unit) +=
              static_cast<double>(drawn(row, unit)) / static_cast<double>(samples);
    }
  }
  return means;
}

/// The active units of every layer on the images, each mean from `samples` draws, twice.
template <class T, LatentModel<T> Model>
std::vector<std::size_t> active_units(const Model& model, const Batch<T>& images, std::size_t samples,
                                      Rng& rng) {
  const auto means = posterior_means(model, images, samples, rng);
  const auto others = posterior_means(model, images, samples, rng);
  std::vector<std::size_t> active;
  for (std::size_t t = 0; t < means.size(); ++t) active.push_back(active_units(means[t], others[t]));
  return active;
}

}  // namespace strata
