// Likelihood estimation by importance sampling, and posterior means, of any model.
#pragma once

#include <algorithm>
#include <functional>
#include <vector>

#include "strata/vae/batches.hpp"
#include "strata/vae/importance.hpp"
#include "strata/vae/metrics.hpp"
#include "strata/vae/non_finite.hpp"
#include "strata/vae/streams.hpp"

namespace strata {

struct EstimationOptions {
  std::size_t samples = 5000;  ///< K, of each image
  std::size_t chunk = 1024;    ///< draws computed together, in 64s: bounds the memory, changes nothing else
  std::uint64_t seed = 0;      ///< of the draws
  std::vector<std::size_t> counts = {};  ///< each estimate is also given `after` so many draws, rising
  Group* group = nullptr;                ///< whose processes take images in turns
};

/// What importance sampling says of one image, in nats: the IWAE bound with K draws, and its terms.
struct ImageEstimate : LikelihoodEstimate {
  Metrics metrics;  ///< means over the draws: the ELBO with K draws

  static void numbers(auto& self, auto&& f) {
    LikelihoodEstimate::numbers(self, f);
    f(self.metrics.reconstruction);
    for (double& kl : self.metrics.layer_kl) f(kl);
  }
};

namespace detail {

// Noise is drawn in blocks of so many draws, each from a place of its own in the stream, so that the
// same draws are made however they are gathered into chunks.
inline constexpr std::size_t draws_per_block = 64;

/// Writes the noise of draws first ... first + rows − 1 of layer t, a row each; `first` is a
/// multiple of the block.
template <class T> void fill_addressed(std::uint64_t seed, std::uint64_t stream, std::size_t first,
                                       std::size_t t, Tensor<T>& noise);

}  // namespace detail

/// Estimates ln p(x) of every image, a row of the batch, in {0, 1} for a Bernoulli likelihood. Weights are
/// accumulated by log-sum-exp, in double. Draw k of image n depends on (seed, n, k) alone. on_image(images
/// done) is called after each image. Throws for 0 samples or chunk, for images outside the model's support,
/// and NonFinite for a weight that is NaN or ∞.
template <class T, LatentModel<T> Model>
std::vector<ImageEstimate> estimate_likelihood(const Model& model, const Batch<T>& images,
                                               const EstimationOptions& options,
                                               const std::function<void(std::size_t)>& on_image = {}) {
  constexpr std::size_t block = detail::draws_per_block;
  if (options.samples == 0 || options.chunk == 0)
    fail("estimate_likelihood", "needs at least one sample and one draw a chunk");
  require_support("estimate_likelihood", images.x.value(), model);
  const std::size_t chunk = (options.chunk + block - 1) / block * block;
  Tape<T> tape(Record::values);
  const auto estimate = [&](std::size_t image) -> ImageEstimate {
    const Batch<T> one = images.rows(image, image + 1);
    detail::WeightSum weights(options.counts);
    Metrics sum;
    for (std::size_t first = 0; first < options.samples; first += chunk) {
      const std::size_t count = std::min(chunk, options.samples - first);
      tape.reset();
      const Noise<T> noise([&, t = std::size_t{0}](Tensor<T>& x) mutable {
        detail::fill_addressed(options.seed, streams::test_image + image, first, t++, x);
      });
      const auto pass = model.pass(one.on(tape, count), noise, Context{});
      const auto log_weight = pass.log_weight();
      for (const T v : log_weight.value()) {
        if (!(v < std::numeric_limits<T>::infinity()))
          fail_non_finite(
              "[estimate_likelihood] a weight of image " + std::to_string(image) + " is not finite", tape,
              names_of(one, pass, model));
        weights.add(static_cast<double>(v));
      }
      sum += mean_metrics(pass) * static_cast<double>(count);
    }
    const auto samples = static_cast<double>(options.samples);
    return {weights.estimate(), sum / samples};
  };
  return estimate_each(images.x.value().shape(0), options.group, on_image, estimate);
}

/// The means E_q[z_t] of the images, averaged over `samples` draws of the layers below: for each layer
/// (N, L_t). A group's processes share the images; all have all means.
template <class T, LatentModel<T> Model>
std::vector<Tensor<double>> posterior_means(const Model& model, const Batch<T>& images, std::size_t samples,
                                            Rng& rng, Group* group = nullptr) {
  constexpr std::size_t together = 100;
  const std::size_t count = images.x.value().shape(0);
  std::vector<Tensor<double>> means;
  Tape<T> tape(Record::values);
  for (std::size_t first = 0; first < count; first += together) {
    const Share share = share_of(group, std::min(together, count - first));
    const std::size_t begin = first + share.rows.first;
    const Batch<T> some = images.rows(begin, begin + share.rows.count);
    rng.rows = share.rows;
    tape.reset();
    const auto pass = model.pass(some.on(tape, samples), rng, Context{});
    for (std::size_t t = 0; t < pass.layers.size(); ++t) {
      const Tensor<T>& drawn = pass.layers[t].mean.value();  // (rows · samples, L)
      const std::size_t width = drawn.shape(1);
      if (first == 0) means.emplace_back(xt::zeros<double>({count, width}));
      const double processes = share.rows.count < share.rows.total ? 1 : share.weight;  // with the same rows
      for (std::size_t row = 0; row < drawn.shape(0); ++row)
        for (std::size_t unit = 0; unit < width; ++unit)
          means[t](begin + row / samples, unit) +=
              static_cast<double>(drawn(row, unit)) / static_cast<double>(samples) * processes;
    }
  }
  rng.rows = {};
  for (auto& layer : means)
    if (group) group->sum({layer.data(), layer.size()});
  return means;
}

/// The active units of every layer on the images, each mean from `samples` draws, twice.
template <class T, LatentModel<T> Model>
std::vector<std::size_t> active_units(const Model& model, const Batch<T>& images, std::size_t samples,
                                      Rng& rng, Group* group = nullptr) {
  const auto means = posterior_means(model, images, samples, rng, group);
  const auto others = posterior_means(model, images, samples, rng, group);
  std::vector<std::size_t> active;
  for (std::size_t t = 0; t < means.size(); ++t) active.push_back(active_units(means[t], others[t]));
  return active;
}

}  // namespace strata
