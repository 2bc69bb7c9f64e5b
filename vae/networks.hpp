// Networks whose outputs are distributions.
#pragma once

#include <optional>

#include "nn/mlp.hpp"
#include "vae/distributions.hpp"

namespace strata {

/// How a network gives a standard deviation σ from its output s: σ = e^(s/2), or σ = softplus s.
enum class Scale { log_variance, softplus };
/// By the names "log_variance" and "softplus"; throws for another.
Scale parse_scale(const std::string& name);
std::string to_string(Scale scale);

/// The distribution of an observation given its latents:
/// - `bernoulli`: x ∈ {0, 1} with logits of the network;
/// - `normal`: mean of the network, one fixed variance;
/// - `normal_learned`: one learned variance for all pixels;
/// - `normal_learned_each`: a learned variance for each pixel.
enum class Likelihood { bernoulli, normal, normal_learned, normal_learned_each };
/// By these names, with "-" for "_"; throws for another.
Likelihood parse_likelihood(const std::string& name);
std::string to_string(Likelihood likelihood);

/// Whether a normal's components are independent given the network's input, or have a learned covariance.
enum class Covariance { diagonal, full };

/// h = body(x), mean = h W + b, log variance = h W' + b' (or from a softplus standard deviation): q(z | x),
/// p(z | z').
template <class T> struct NormalNetwork {
  Mlp<T> body;
  Linear<T> mean;
  Linear<T> scale;
  std::optional<Linear<T>> lower;  // of a full covariance
  Scale scale_kind;

  /// Weights are drawn from `rng`. A single component has no covariance to learn.
  NormalNetwork(std::size_t in, const std::vector<std::size_t>& hidden, std::size_t out,
                const MlpOptions& options, Scale kind, Covariance covariance, Rng& rng);

  /// x (B, in): a distribution of rows (B, out)
  Normal<T> operator()(Var<T> x, Rng& rng, Mode mode);

  static void fields(auto& self, auto&& visit) {
    visit("body", self.body);
    visit("mean", self.mean);
    visit("scale", self.scale);
    visit("lower", self.lower);
  }
};

/// An observation's distribution: `location` holds Bernoulli logits or normal means.
template <class T> struct Observation {
  Likelihood likelihood;
  Var<T> location;      // (B, D)
  Var<T> log_variance;  // (1) or (D); empty for Bernoulli
};

/// ln p(x): (B). Throws unless x is (B, D).
template <class T> Var<T> log_prob(const Observation<T>& p, Var<T> x);
/// E[x]: (B, D)
template <class T> Var<T> mean(const Observation<T>& p);

/// h = body(z), location = h W + b: p(x | z).
template <class T> struct ObservationNetwork {
  Mlp<T> body;
  Linear<T> output;
  Likelihood likelihood;
  T noise_variance;                          ///< of `Likelihood::normal`
  std::optional<Parameter<T>> log_variance;  // (1) or (D), where learned; starts at ln noise_variance

  /// Weights are drawn from `rng`. Throws unless noise_variance > 0.
  ObservationNetwork(std::size_t in, const std::vector<std::size_t>& hidden, std::size_t out,
                     const MlpOptions& options, Likelihood kind, double noise_variance, Rng& rng);

  /// z (B, in): a distribution of rows (B, out)
  Observation<T> operator()(Var<T> z, Rng& rng, Mode mode);

  /// Starts the output at a mean E[x] (D) in [0, 1] of the data: its logit for Bernoulli, kept off 0 and 1 by
  /// 0.001 (Burda et al. 2015), the mean itself for normal likelihoods. Throws for another width.
  void start_at(const Tensor<T>& mean);

  static void fields(auto& self, auto&& visit) {
    visit("body", self.body);
    visit("output", self.output);
    visit("log_variance", self.log_variance);
  }
};

}  // namespace strata
