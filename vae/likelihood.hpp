// Likelihood estimation by importance sampling.
#pragma once

#include <functional>
#include <vector>

#include "vae/metrics.hpp"

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

/// Estimates ln p(x) of every image, a row of x (N, D) in {0, 1} for a Bernoulli likelihood, given its row of
/// `condition` (N, C), if not empty. Weights are accumulated by log-sum-exp, in double. Draw k of image n
/// depends on (seed, n, k) alone. on_image(images done) is called after each image. Throws for 0 samples or
/// chunk.
template <class T, class Model>
std::vector<ImageEstimate> estimate_likelihood(Model& model, const Tensor<T>& x, const Tensor<T>& condition,
                                               const EstimationOptions& options,
                                               const std::function<void(std::size_t)>& on_image = {});

/// A mean with its standard error, √(sample variance / N).
struct MeanAndError {
  double mean, standard_error;
};

/// Both, of at least one value; a single one has no error. Throws for none.
MeanAndError mean_and_error(const std::vector<double>& values);

/// The means E_q[z_t] of the images x (N, D), averaged over `samples` draws of the layers below: for each
/// layer (N, L_t).
template <class T, class Model> std::vector<Tensor<double>> posterior_means(Model& model, const Tensor<T>& x,
                                                                            const Tensor<T>& condition,
                                                                            std::size_t samples, Rng& rng);

/// The active units of every layer on the images x (N, D), each mean from `samples` draws, twice.
template <class T, class Model> std::vector<std::size_t> active_units(Model& model, const Tensor<T>& x,
                                                                      const Tensor<T>& condition,
                                                                      std::size_t samples, Rng& rng);

}  // namespace strata
