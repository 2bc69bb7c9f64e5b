// Normalising flows as posteriors (Rezende and Mohamed 2015): a normal draw moved by invertible steps, whose
// Jacobians have known determinants.
#pragma once

#include "strata/vae/heads.hpp"

namespace strata {

/// Where a step moves z to, and ln |∂z'/∂z|.
template <class T> struct Moved {
  Var<T> z;                // (B, L)
  Var<T> log_determinant;  // (B)
};

/// An affine coupling (Dinh et al. 2017): (a, b) ↦ (b e^s + t, a), s and t functions of the first half a and
/// |s| < 1. It starts as the exchange of the halves.
template <class T> struct Coupling {
  Mlp<T> body;
  Linear<T> scale, shift;

  /// Throws for fewer than two components.
  Coupling(std::size_t width, const std::vector<std::size_t>& hidden, const MlpOptions& options, Rng& rng);

  Moved<T> operator()(Var<T> z) const;
  /// The z that is moved to this one, and the determinant there.
  Moved<T> inverse(Var<T> moved) const;

  static void fields(auto& self, auto&& visit) {
    visit("body", self.body);
    visit("scale", self.scale);
    visit("shift", self.shift);
  }
};

/// A linear map some of whose weights are 0 for good.
template <class T> struct MaskedLinear {
  Linear<T> map;
  Tensor<T> mask;  // (in, out), of 0 and 1

  Var<T> operator()(Var<T> x) const;

  static void fields(auto& self, auto&& visit) { visit("", self.map); }
};

/// A step of an inverse autoregressive flow (Kingma et al. 2016, algorithm 1): z ↦ σ ⊙ z + (1 − σ) ⊙ m, m and
/// σ of a component functions of those before it, or, backwards, after it, by masked layers (Germain et
/// al. 2015). Its inverse has no form that costs less than a pass for each component.
template <class T> struct Autoregressive {
  std::vector<MaskedLinear<T>> hidden;
  MaskedLinear<T> mean, gate;  // σ = sigmoid(gate), near 1 at first

  /// Throws for fewer than two components.
  Autoregressive(std::size_t width, const std::vector<std::size_t>& hidden_widths, const MlpOptions& options,
                 bool backwards, Rng& rng);

  Moved<T> operator()(Var<T> z) const;

  static void fields(auto& self, auto&& visit) {
    visit("hidden", self.hidden);
    visit("mean", self.mean);
    visit("gate", self.gate);
  }

 private:
  Activation activation_;
};

/// z = f_n(... f_1(z_0)), z_0 ~ base: ln q(z) = ln N(z_0) − Σ ln |∂f_i|.
template <class T, template <class> class Step> struct Flow {
  Normal<T> base;
  const std::vector<Step<T>>* steps;
};

template <class T, template <class> class Step>
Draw<T> sample_and_log_prob(const Flow<T, Step>& q, const Noise<T>& noise) {
  auto [z, log_q] = sample_and_log_prob(q.base, noise);
  for (const auto& step : *q.steps) {
    const auto [moved, log_determinant] = step(z);
    z = moved;
    log_q = log_q - log_determinant;
  }
  return {z, log_q};
}

template <class T, template <class> class Step>
Var<T> sample(const Flow<T, Step>& q, const Noise<std::type_identity_t<T>>& noise) {
  auto z = sample(q.base, noise);
  for (const auto& step : *q.steps) z = step(z).z;
  return z;
}

/// Where the steps have an inverse.
template <class T, template <class> class Step>
requires requires(const Step<T>& step, Var<T> z) { step.inverse(z); }
Var<T> log_prob(const Flow<T, Step>& q, Var<T> z) {
  Var<T> total;
  for (auto step = q.steps->rbegin(); step != q.steps->rend(); ++step) {
    const auto [before, log_determinant] = step->inverse(z);
    z = before;
    total = total ? total + log_determinant : log_determinant;
  }
  const auto log_q = log_prob(q.base, z);
  return total ? log_q - total : log_q;
}

/// The base's mean, moved, for want of E[z].
template <class T, template <class> class Step> Var<T> mean(const Flow<T, Step>& q) {
  return sample(q, Noise<T>::zero());
}

template <class T, template <class> class Step>
Flow<T, Step> repeat_rows(const Flow<T, Step>& q, std::size_t times) {
  return {repeat_rows(q.base, times), q.steps};
}

template <class T, template <class> class Step> Flow<T, Step> stop_gradient(const Flow<T, Step>& q) {
  return {stop_gradient(q.base), q.steps};
}

/// A normal head whose draws the steps move, whatever its input.
template <class T, template <class> class Step> struct FlowHead {
  NormalHead<T> base;
  std::vector<Step<T>> steps;

  Flow<T, Step> operator()(Var<T> x, Context context = {}) const { return {base(x, context), &steps}; }
  std::size_t width() const { return base.width(); }

  static void fields(auto& self, auto&& visit) {
    visit("", self.base);
    visit("steps", self.steps);
  }
};

}  // namespace strata
