// Priors p(z) of a top layer, as modules: what a model draws z from, given the posterior of that layer (a
// head), a condition or none, and how networks are called.
#pragma once

#include <optional>
#include <variant>

#include "strata/autograd/elementwise.hpp"
#include "strata/vae/heads.hpp"

namespace strata {

/// N(0, I), whatever the condition.
struct StandardPrior {
  template <class T> StandardNormal operator()(const auto&, Tape<T>&, Var<T>, Context) const { return {}; }
  static void fields(auto&, auto&&) {}
};

/// p(z | c), a normal whose mean and scale a network gives (Sohn et al. 2015), linear without hidden layers.
template <class T> struct ConditionalPrior {
  NormalHead<T> head;
  Normal<T> operator()(const auto&, Tape<T>&, Var<T> condition, Context context) const {
    return head(condition, context);
  }
  static void fields(auto& self, auto&& visit) { visit("", self.head); }
};

/// Σ_k π_k N(m_k, diag e^s_k), π = softmax(logits).
template <class T> struct MixturePrior {
  Parameter<T> logits;        ///< (K)
  Parameter<T> mean;          ///< (K, L), from N(0, I) at first
  Parameter<T> log_variance;  ///< (K, L), 0 at first

  MixturePrior(std::size_t components, std::size_t width, Rng& rng);

  Mixture<T> on(Tape<T>& tape) const;
  Mixture<T> operator()(const auto&, Tape<T>& tape, Var<T>, Context) const { return on(tape); }

  static void fields(auto& self, auto&& visit) {
    visit("logits", self.logits);
    visit("mean", self.mean);
    visit("log_variance", self.log_variance);
  }
};

/// The variational mixture of posteriors 1/K Σ_k q(z | u_k) (Tomczak and Welling 2018, equation 9): q's
/// pseudo-inputs u_k are learned. Those that stand for images are held within [0, 1].
template <class T> struct VampPrior {
  Parameter<T> pseudo_inputs;  ///< (K, D)
  std::optional<Interval> range;

  /// They start at 0.05 ± 0.01 within a range, as in the authors' code for MNIST, and at N(0, I) without.
  VampPrior(std::size_t components, std::size_t width, std::optional<Interval> within, Rng& rng);

  Mixture<T> operator()(const auto& q, Tape<T>& tape, Var<T>, Context context) const {
    const auto u = pseudo_inputs.on(tape);
    Rng masks = context.rng ? *context.rng : Rng{};  // for u_1 ... u_K, which every process has, and no batch
    masks.rows = {};
    const auto of_u = q(range ? clamp(u, static_cast<T>(range->low), static_cast<T>(range->high)) : u,
                        {context.mode, &masks});
    if (context.rng) context.rng->counter = masks.counter;
    return mixture(of_u);
  }

  /// The same prior while q and u_k do not change.
  MixturePrior<T> encoded(const auto& q) const {
    Tape<T> tape(Record::values);
    return constant((*this)(q, tape, {}, {}));
  }

  /// Starts the pseudo-inputs at these (K, D). Throws for another shape.
  void start_at(const Tensor<T>& inputs);

  static void fields(auto& self, auto&& visit) { visit("pseudo_inputs", self.pseudo_inputs); }

 private:
  static Mixture<T> mixture(const Normal<T>& components);
  static Mixture<T> mixture(const auto&) {
    fail("VampPrior", "its posterior must have independent components");
  }
  static MixturePrior<T> constant(const Mixture<T>& mixture);
};

/// What a command line can choose; a conditional model has a `ConditionalPrior`.
enum class PriorKind { standard, mixture, vamp };
template <> struct Named<PriorKind> {
  static constexpr const char* what = "prior";
  static constexpr std::array names = {"standard", "mixture", "vamp"};
};

template <class T> using Prior =
    std::variant<StandardPrior, ConditionalPrior<T>, MixturePrior<T>, VampPrior<T>>;

/// Independent draws from p(z): (rows, width), or as many as there are conditions.
template <class T> Var<T> sample_prior(const Prior<T>& prior, const auto& q, Tape<T>& tape,
                                       const Shape& shape, Var<T> condition, const Noise<T>& noise) {
  return std::visit(
      [&](const auto& module) {
        const auto p = module(q, tape, condition, Context{});
        if constexpr (requires { sample(p, noise); })
          return sample(p, noise);
        else
          return sample(p, tape, shape, noise);
      },
      prior);
}

/// A VampPrior becomes the mixture that it is while q and its pseudo-inputs do not change, which costs no
/// encoder; other priors stay.
template <class T> void encode_prior(Prior<T>& prior, const auto& q) {
  if (const auto* vamp = std::get_if<VampPrior<T>>(&prior)) prior = vamp->encoded(q);
}

}  // namespace strata
