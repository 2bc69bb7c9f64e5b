// Update rules of gradient descent, each as its mathematics: w the parameter, g its gradient, η the learning
// rate, and what the rule remembers, from 0 on. `update` returns the rule of one step t = 1, 2, ... for
// scalars and SIMD batches. All are as PyTorch has them (torch.optim, to the last digits); what Keras does
// otherwise is said.
#pragma once

#include <cmath>
#include <cstdint>
#include <variant>

#include "strata/nn/names.hpp"
#include "strata/tensor/expression.hpp"

namespace strata {

/// w ← w − η g
struct Sgd {
  static constexpr std::size_t states = 0;
  template <class T> auto update(T eta, std::uint64_t) const {
    return [=](auto& w, auto g) { w -= eta * g; };
  }
};

/// v ← μ v + g, w ← w − η v (Polyak 1964). Keras keeps η v: a change of η acts on later gradients alone.
struct Momentum {
  double momentum = 0.9;
  static constexpr std::size_t states = 1;
  template <class T> auto update(T eta, std::uint64_t) const {
    return [=, mu = static_cast<T>(momentum)](auto& w, auto g, auto& v) {
      v = mu * v + g;
      w -= eta * v;
    };
  }
};

/// v ← μ v + g, w ← w − η (g + μ v), where w is the point that Sutskever et al. 2013 look ahead to. Keras
/// keeps η v, as above.
struct Nesterov {
  double momentum = 0.9;
  static constexpr std::size_t states = 1;
  template <class T> auto update(T eta, std::uint64_t) const {
    return [=, mu = static_cast<T>(momentum)](auto& w, auto g, auto& v) {
      v = mu * v + g;
      w -= eta * (g + mu * v);
    };
  }
};

/// s ← s + g², w ← w − η g / (√s + ε) (Duchi et al. 2011). Keras: √(s + ε), s from 0.1 on, ε = 1e-7.
struct AdaGrad {
  double epsilon = 1e-10;
  static constexpr std::size_t states = 1;
  template <class T> auto update(T eta, std::uint64_t) const {
    return [=, eps = static_cast<T>(epsilon)](auto& w, auto g, auto& s) {
      s += g * g;
      w -= eta * g / (xsimd::sqrt(s) + eps);
    };
  }
};

/// s ← α s + (1 − α) g², w ← w − η g / (√s + ε) (Tieleman and Hinton 2012). PyTorch's α is 0.99 unless given.
/// Keras: √(s + ε), ε = 1e-7.
struct RmsProp {
  double alpha = 0.9, epsilon = 1e-8;
  static constexpr std::size_t states = 1;
  template <class T> auto update(T eta, std::uint64_t) const {
    return [=, b = static_cast<T>(1 - alpha), eps = static_cast<T>(epsilon)](auto& w, auto g, auto& s) {
      s += b * (g * g - s);
      w -= eta * g / (xsimd::sqrt(s) + eps);
    };
  }
};

/// m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², w ← w − η m̂ / (√v̂ + ε) with m̂ = m / (1 − β₁ᵗ),
/// v̂ = v / (1 − β₂ᵗ) (Kingma and Ba 2015, algorithm 1). Keras' ε, 1e-7, is the ε̂ at the end of the paper's
/// section 2, added to √v: it is as much as ε̂ / √(1 − β₂ᵗ) here.
struct Adam {
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  static constexpr std::size_t states = 2;
  template <class T> auto update(T eta, std::uint64_t t) const {
    const auto step = static_cast<double>(t);
    const T scaled = static_cast<T>(eta / (1 - std::pow(beta1, step)));
    const T root = static_cast<T>(1 / std::sqrt(1 - std::pow(beta2, step)));
    return [=, b1 = static_cast<T>(1 - beta1), b2 = static_cast<T>(1 - beta2), eps = static_cast<T>(epsilon)](
               auto& w, auto g, auto& m, auto& v) {
      m += b1 * (g - m);
      v += b2 * (g * g - v);
      w -= scaled * m / (xsimd::sqrt(v) * root + eps);
    };
  }
};

/// w ← w − η λ w, then Adam's step (Loshchilov and Hutter 2019, whose λ is this η λ). Keras: the same with
/// its Adam, λ = 0.004.
struct AdamW {
  Adam adam;
  double weight_decay = 0.01;
  static constexpr std::size_t states = 2;
  template <class T> auto update(T eta, std::uint64_t t) const {
    return [rule = adam.update<T>(eta, t), keep = static_cast<T>(1 - eta * weight_decay)](auto& w, auto g,
                                                                                          auto& m, auto& v) {
      w *= keep;
      rule(w, g, m, v);
    };
  }
};

/// What a command line can choose, by name with its default constants.
using Rule = std::variant<Adam, AdamW, Sgd, Momentum, Nesterov, RmsProp, AdaGrad>;
template <> struct Named<Rule> {
  static constexpr const char* what = "optimizer";
  static constexpr std::array names = {"adam", "adamw", "sgd", "momentum", "nesterov", "rmsprop", "adagrad"};
};

}  // namespace strata
