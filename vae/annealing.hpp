// Annealed importance sampling (Neal 2001) of a model's likelihood, and its bidirectional check (Grosse et
// al. 2015; Wu et al. 2017).
#pragma once

#include <algorithm>

#include "strata/vae/importance.hpp"
#include "strata/vae/log_weight.hpp"
#include "strata/vae/simulation.hpp"
#include "strata/vae/streams.hpp"

namespace strata {

struct AnnealingOptions {
  std::size_t temperatures = 1000;  ///< N
  std::size_t chains = 16;          ///< C, of each image, moved together
  std::size_t leapfrog_steps = 5;   ///< of each Hamiltonian move, one move a temperature
  double acceptance = 0.65;         ///< that the step size is tuned to
  std::uint64_t seed = 0;
  Group* group = nullptr;  ///< whose processes take images in turns
};

/// Annealing between N(ε; 0, I), the encoder's q(z | x), and N(ε; 0, I) w(ε), the posterior times p(x), by
/// π_n ∝ N(ε; 0, I) w(ε)^β_n; β_0 = 0 ... β_N = 1 lie on a sigmoid. π_n is left as it is by a Hamiltonian
/// move (Neal 2011).
class Annealing {
 public:
  /// Tunes the step sizes, one for each temperature, on chains of their own at every fourth temperature; they
  /// are fixed from then on, so that weights stay unbiased. Throws for a 0 among the options, and unless
  /// 0 < acceptance < 1.
  Annealing(LogWeight log_weight, const AnnealingOptions& options, Rng& rng);

  /// Chains from N(0, I) on, whose weights Π w(ε_n)^(β_{n+1} − β_n) have the mean p(x): in expectation
  /// log_likelihood is a lower bound.
  LikelihoodEstimate forward(Rng& rng) const;

  /// Chains from an exact posterior draw ε (L) back to N(0, I): an upper bound of ln p(x) in expectation,
  /// −ln 1/C Σ 1 / Π w(ε_n)^(β_{n+1} − β_n).
  double upper_bound(const Tensor<double>& exact, Rng& rng) const;

  /// The share of moves that the last tuning accepted.
  double acceptance() const { return acceptance_; }

 private:
  struct Chains;
  double beta(double place) const;  // of n / N
  void move(Chains& chains, double beta, double step, Rng& rng) const;

  LogWeight log_weight_;
  AnnealingOptions options_;
  std::vector<double> steps_;  // of each temperature
  double acceptance_ = 0;
};

/// Estimates ln p(x) of every image, a row of the batch: draws depend on (seed, image) alone. on_image(images
/// done) is called after each. Throws for images outside the model's support.
template <class T, LatentModel<T> Model>
std::vector<LikelihoodEstimate> estimate_annealed(const Model& model, const Batch<T>& images,
                                                  const AnnealingOptions& options,
                                                  const std::function<void(std::size_t)>& on_image = {}) {
  require_support("estimate_annealed", images.x.value(), model);
  return estimate_each(images.x.value().shape(0), options.group, on_image, [&](std::size_t image) {
    Rng rng{options.seed, 0, streams::annealing + image};
    const Annealing annealing(log_weight_of(model, images.rows(image, image + 1)), options, rng);
    return annealing.forward(rng);
  });
}

/// ln p(x) of an image that the model drew, between two bounds.
struct Bracket {
  LikelihoodEstimate lower;
  double upper;

  static void numbers(auto& self, auto&& f) {
    LikelihoodEstimate::numbers(self.lower, f);
    f(self.upper);
  }
};

/// The bidirectional check of images x (N, D) that were drawn from the model together with their z_1 ... z_T
/// (N, L_t): each z is an exact draw from p(z | x), so that chains from it give an upper bound. Where the
/// bounds meet, annealing with these options can be believed for this model. Nothing where it does not tell
/// of what noise it made them (see `noise_of`): a model that takes every class, or whose draws are discrete.
template <class T, LatentModel<T> Model>
std::vector<Bracket> bracket_simulated(const Model& model, const Batch<T>& images,
                                       const std::vector<Tensor<T>>& z, const AnnealingOptions& options,
                                       const std::function<void(std::size_t)>& on_image = {}) {
  const std::size_t count = images.x.value().shape(0);
  std::vector<Tensor<double>> exact;  // noise of each image
  for (std::size_t image = 0; image < count; ++image) {
    std::vector<Tensor<T>> latent;
    for (const auto& layer : z) latent.push_back(xt::view(layer, xt::range(image, image + 1)));
    const auto noise = noise_of(model, images.rows(image, image + 1), latent);
    if (!noise) return {};
    exact.push_back(*noise);
  }
  return estimate_each(count, options.group, on_image, [&](std::size_t image) -> Bracket {
    const Batch<T> one = images.rows(image, image + 1);
    Rng rng{options.seed, std::uint64_t{1} << 62, streams::annealing + image};
    const Annealing annealing(log_weight_of(model, one), options, rng);
    const auto lower = annealing.forward(rng);
    return {lower, annealing.upper_bound(exact[image], rng)};
  });
}

}  // namespace strata
