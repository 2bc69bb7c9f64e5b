// Heads: networks whose outputs are distributions.
#pragma once

#include "strata/nn/mlp.hpp"
#include "strata/vae/distributions.hpp"

namespace strata {

/// How a network gives a standard deviation σ from its output s: σ = e^(s/2); σ = softplus s; or σ = e^(s/2)
/// with s held within [−6, 2] (Tomczak and Welling 2018).
enum class Scale { log_variance, softplus, clamped };
template <> struct Named<Scale> {
  static constexpr const char* what = "scale";
  static constexpr std::array names = {"log_variance", "softplus", "clamped"};
};

/// h = body(x), N(h W + b, diag e^s) with s = h W' + b', or from a softplus standard deviation: q(z | x),
/// p(z | z').
template <class T> struct NormalHead {
  Mlp<T> body;
  Linear<T> mean;
  Linear<T> scale;
  Scale scale_kind;

  /// From `in` features through `hidden` layers to `out` components; weights are drawn from `rng`.
  NormalHead(std::size_t in, const std::vector<std::size_t>& hidden, std::size_t out,
             const MlpOptions& options, Rng& rng, Scale kind = Scale::log_variance);

  /// x (B, in): a distribution of rows (B, out)
  Normal<T> operator()(Var<T> x, Context context = {}) const { return of(body(x, context)); }

  /// The same from features h, the body's output.
  Normal<T> of(Var<T> h) const;

  /// The number of components.
  std::size_t width() const { return mean.bias.value().size(); }

  static void fields(auto& self, auto&& visit) {
    visit("body", self.body);
    visit("mean", self.mean);
    visit("scale", self.scale);
  }
};

/// The same with a full covariance C Cᵀ, whose C's strict lower triangle is linear in h too.
template <class T> struct FullNormalHead {
  NormalHead<T> diagonal;
  Linear<T> lower;

  /// Throws for a single component, which has no covariance to learn.
  FullNormalHead(std::size_t in, const std::vector<std::size_t>& hidden, std::size_t out,
                 const MlpOptions& options, Rng& rng, Scale kind = Scale::log_variance);

  FullNormal<T> operator()(Var<T> x, Context context = {}) const;

  std::size_t width() const { return diagonal.width(); }

  static void fields(auto& self, auto&& visit) {
    visit("", self.diagonal);
    visit("lower", self.lower);
  }
};

/// h = body(z), logits h W + b: p(x | z) for x ∈ {0, 1}.
template <class T> struct BernoulliHead {
  Mlp<T> body;
  Linear<T> output;

  BernoulliHead(std::size_t in, const std::vector<std::size_t>& hidden, std::size_t out,
                const MlpOptions& options, Rng& rng);

  Bernoulli<T> operator()(Var<T> z, Context context = {}) const { return {output(body(z, context))}; }

  /// Starts the output at a mean E[x] (D) in [0, 1] of the data: its logit, kept off 0 and 1 by 0.001 (Burda
  /// et al. 2015). Throws for another width, and for a mean outside [0, 1].
  void start_at(const Tensor<T>& mean);

  static void fields(auto& self, auto&& visit) {
    visit("body", self.body);
    visit("output", self.output);
  }
};

/// What is learned of the variance of a homoscedastic normal: nothing, one number, or one for each pixel.
enum class Variance { fixed, shared, each };

/// h = body(z), N(h W + b, diag e^s) with an s that does not depend on z: p(x | z) for real x.
template <class T> struct HomoscedasticHead {
  Mlp<T> body;
  Linear<T> output;
  Parameter<T> log_variance;  ///< (1) or (D); frozen where it is fixed

  /// The variance is, or starts at, `noise_variance`. Throws unless that is above 0 and
  /// finite, as T.
  HomoscedasticHead(std::size_t in, const std::vector<std::size_t>& hidden, std::size_t out,
                    const MlpOptions& options, Rng& rng, Variance variance, double noise_variance);

  Normal<T> operator()(Var<T> z, Context context = {}) const {
    return {output(body(z, context)), log_variance.on(z.tape())};
  }

  /// Starts the output at a mean E[x] (D) of the data. Throws for another width, and unless it is finite.
  void start_at(const Tensor<T>& mean);

  static void fields(auto& self, auto&& visit) {
    visit("body", self.body);
    visit("output", self.output);
    visit("log_variance", self.log_variance);
  }
};

/// (x, condition) side by side, or x where there is no condition.
template <class T> Var<T> beside(Var<T> x, Var<T> condition);

}  // namespace strata
