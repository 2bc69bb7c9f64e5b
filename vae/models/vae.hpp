// The variational autoencoder of one (Kingma and Welling 2014; Rezende et al. 2014) or many stochastic
// layers, Markovian both ways (Burda et al. 2015; Sønderby et al. 2016).
#pragma once

#include <variant>

#include "strata/vae/flows.hpp"
#include "strata/vae/pass.hpp"
#include "strata/vae/priors.hpp"

namespace strata {

/// The distribution of x given z_1:
/// - `bernoulli`: x ∈ {0, 1};
/// - `normal`: one fixed variance;
/// - `normal_learned`: one learned variance for all pixels;
/// - `normal_learned_each`: a learned variance for each pixel.
enum class Likelihood { bernoulli, normal, normal_learned, normal_learned_each };
template <> struct Named<Likelihood> {
  static constexpr const char* what = "likelihood";
  static constexpr std::array names = {"bernoulli", "normal", "normal-learned", "normal-learned-each"};
};

/// A layer's posterior given the network's input:
/// - `normal`: of independent components;
/// - `full`: with a learned covariance;
/// - `coupling`, `iaf`: a normal of independent components moved by affine couplings, or by inverse
///   autoregressive steps.
///
/// A layer of one unit has nothing but the first.
enum class PosteriorKind { normal, full, coupling, iaf };
template <> struct Named<PosteriorKind> {
  static constexpr const char* what = "posterior";
  static constexpr std::array names = {"normal", "full", "coupling", "iaf"};
};

/// p(x, z) = p(z_T) p(x | z_1) Π_{t ≥ 2} p(z_{t−1} | z_t), q(z | x) = q(z_1 | x) Π_{t ≥ 2} q(z_t | z_{t−1}),
/// every factor a network of its own.
struct VaeConfig {
  std::size_t data = 784;                             ///< the width of x
  std::vector<std::size_t> hidden = {500, 300, 150};  ///< of q(z_1 | x); p(x | z_1) has them in reverse
  std::vector<std::size_t> latent = {2};              ///< the widths of z_1 ... z_T
  std::vector<std::size_t> upper_hidden = {
      100, 100};  ///< of q(z_t | z_{t−1}); p(z_{t−1} | z_t) has them in reverse
  MlpOptions networks = {};
  Likelihood likelihood = Likelihood::bernoulli;
  double noise_variance = 0.05;  ///< of normal likelihoods: fixed, or where learning starts
  Scale scale = Scale::log_variance;
  PosteriorKind posterior = PosteriorKind::normal;      ///< q(z_t | z_{t−1}) for t < T
  PosteriorKind top_posterior = PosteriorKind::normal;  ///< q(z_T | z_{T−1})
  std::size_t flow_steps = 4;                           ///< of posteriors that are flows
  std::vector<std::size_t> flow_hidden = {100};         ///< the widths of a step's network, of tanh units
  PriorKind prior = PriorKind::standard;                ///< p(z_T)
  std::size_t components = 500;                         ///< K, of the mixture or of pseudo-inputs
  std::size_t condition = 0;  ///< the width C of what every network reads beside its input; 0: nothing
  std::vector<std::size_t> prior_hidden = {};  ///< of p(z_T | c)
};

/// What each factor of a Vae can be.
template <class T> using PosteriorHead =
    std::variant<NormalHead<T>, FullNormalHead<T>, FlowHead<T, Coupling>, FlowHead<T, Autoregressive>>;
template <class T> using Decoder = std::variant<BernoulliHead<T>, HomoscedasticHead<T>>;

namespace detail {

/// The last of these widths first.
std::vector<std::size_t> reversed(const std::vector<std::size_t>& widths);

/// The same with the initialiser chosen that was left open.
VaeConfig completed(VaeConfig config);

/// p(x | ...), from so many inputs through these hidden layers.
template <class T> Decoder<T> make_decoder(const VaeConfig& config, std::size_t in,
                                           const std::vector<std::size_t>& hidden, Rng& rng);

/// Where x must lie, and starting p(x | ...) at a mean E[x] (D) of the data.
template <class T> Interval support(const Decoder<T>& decoder) {
  return std::visit([](const auto& head) { return decltype(head(Var<T>()))::support; }, decoder);
}
template <class T> void start_at(Decoder<T>& decoder, const Tensor<T>& mean) {
  std::visit([&](auto& head) { head.start_at(mean); }, decoder);
}

/// p(z_T), whose posterior q(z_T | ·) has so many inputs, images or not. Throws for a condition beside
/// another prior than `standard`.
template <class T> Prior<T> make_prior(const VaeConfig& config, std::size_t inputs, bool images, Rng& rng);

/// Starts the pseudo-inputs of a prior that has them. Throws for any other.
template <class T> void start_pseudo_inputs(Prior<T>& prior, const Tensor<T>& inputs);

}  // namespace detail

template <class T> struct Vae {
  std::vector<PosteriorHead<T>> q;  // q[t − 1]: q(z_t | z_{t−1}), z_0 = x
  std::vector<NormalHead<T>> p;     // p[t − 1]: p(z_t | z_{t+1}), t < T
  Decoder<T> decoder;               // p(x | z_1)
  Prior<T> prior;                   // p(z_T)

  /// Weights are drawn from `rng`. Throws if there is no latent width.
  Vae(const VaeConfig& config, Rng& rng);

  /// Draws z_1 ... z_T from q and gives every factor's term. A conditional model throws without a condition
  /// of its width; another passes it over.
  Pass<T> pass(const Given<T>& given, const Noise<T>& noise, Context context = {}) const;

  /// Ancestral draws of z_t ... z_T, from p(z_T) downwards: (rows, L_t) each. Throws unless 1 ≤ t ≤ T.
  Layers<Var<T>> draw(Tape<T>& tape, std::size_t t, std::size_t rows, Var<T> condition,
                      const Noise<T>& noise) const;

  /// E[x | z_1]: (rows, D), after drawing z_{t−1} ... z_1 downwards from z_t, the first of the given
  /// z_t ... z_T. Throws unless there are 1 ... T of them.
  Var<T> decode(const Layers<Var<T>>& z, Var<T> condition, const Noise<T>& noise) const;

  /// Where x must lie: in [0, 1] for a Bernoulli likelihood.
  Interval support() const { return detail::support(decoder); }

  /// Starts p(x | z_1) at a mean E[x] (D) of the data.
  void start_at(const Tensor<T>& mean) { detail::start_at(decoder, mean); }

  /// Starts the pseudo-inputs of the prior at these (K, D) or, of T > 1 layers, (K, L_{T−1}). Throws for
  /// another shape, and where there are none.
  void start_pseudo_inputs(const Tensor<T>& inputs) { detail::start_pseudo_inputs(prior, inputs); }

  /// For evaluation: a prior of pseudo-inputs becomes the mixture that it is for the present weights.
  void encode_prior();

  /// The widths of z_1 ... z_T.
  Layers<std::size_t> latent() const;

  static void fields(auto& self, auto&& visit) {
    visit("q", self.q);
    visit("p", self.p);
    visit("decoder", self.decoder);
    visit("prior", self.prior);
  }

 private:
  Var<T> read(const char* operation, Var<T> condition) const;
};

}  // namespace strata
