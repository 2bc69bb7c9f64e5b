// Importance sampling from a proposal that is fitted to each image's posterior.
#pragma once

#include <algorithm>

#include "strata/vae/importance.hpp"
#include "strata/vae/log_weight.hpp"
#include "strata/vae/streams.hpp"

namespace strata {

struct RefinementOptions {
  std::size_t samples = 5000;  ///< K, importance samples of each image
  std::size_t steps = 300;     ///< of Adam
  std::size_t draws = 32;      ///< a step, half of them mirrored in the mean
  double learning_rate = 0.1;  ///< at first, falling by half a cosine; less beyond 12 dimensions
  double widening = 1.1;       ///< the fitted deviations times this are sampled from: the ELBO's are narrow
  double wide = 1.6;  ///< the same of every fifth draw, for tails beyond a normal's (Hesterberg 1995)
  std::uint64_t seed = 0;
  std::vector<std::size_t> counts = {};  ///< each estimate is also given `after` so many draws, rising
  Group* group = nullptr;                ///< whose processes take images in turns
};

/// N(mean, C Cᵀ) over the noise of all layers together; N(0, I) is the encoder's q(z | x).
struct NoiseProposal {
  Tensor<double> mean;    // (L)
  Tensor<double> factor;  // (L, L), C: lower triangular

  static NoiseProposal standard(std::size_t width) {
    return {xt::zeros<double>({width}), xt::eye<double>(width)};
  }
};

/// Fits a proposal to N(ε; 0, I) w(ε) by maximising the ELBO, E[ln w + ln N(ε; 0, I) − ln N(ε; mean, C Cᵀ)],
/// from N(0, I) on, by the path derivative alone, which is 0 where the fit is exact (Roeder et al. 2017).
/// Throws NonFinite where that is not finite.
NoiseProposal fit_proposal(const LogWeight& log_weight, const RefinementOptions& options, Rng& rng);

/// Estimates ln p(x) from K draws of the proposal, whose weights are w(ε) N(ε; 0, I) / N(ε; mean, C Cᵀ).
/// Throws for 0 samples, and unless `widening` and `wide` are above 0.
LikelihoodEstimate sample_proposal(const LogWeight& log_weight, const NoiseProposal& proposal,
                                   const RefinementOptions& options, Rng& rng);

/// What the refined proposal of one image says.
struct RefinedEstimate : LikelihoodEstimate {
  bool fitted;  ///< or there was no finite fit, and the draws are the encoder's

  static void numbers(auto& self, auto&& f) {
    LikelihoodEstimate::numbers(self, f);
    double truth = self.fitted;
    f(truth);
    self.fitted = truth != 0;
  }
};

/// ln p(x) of one image from a proposal fitted to it or, where the fit or its weights are not finite, from
/// N(0, I).
RefinedEstimate estimate_refined(const LogWeight& log_weight, RefinementOptions options, Rng& rng);

/// The same for every image, a row of the batch: draws depend on (seed, image) alone. on_image(images done)
/// is called after each. Throws for images outside the model's support.
template <class T, LatentModel<T> Model>
std::vector<RefinedEstimate> estimate_refined(const Model& model, const Batch<T>& images,
                                              const RefinementOptions& options,
                                              const std::function<void(std::size_t)>& on_image = {}) {
  require_support("estimate_refined", images.x.value(), model);
  return estimate_each(images.x.value().shape(0), options.group, on_image, [&](std::size_t image) {
    Rng rng{options.seed, 0, streams::refinement + image};
    return estimate_refined(log_weight_of(model, images.rows(image, image + 1)), options, rng);
  });
}

}  // namespace strata
