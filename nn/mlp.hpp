// The multilayer perceptron.
#pragma once

#include <optional>
#include <vector>

#include "strata/nn/activation.hpp"
#include "strata/nn/batch_norm.hpp"
#include "strata/nn/linear.hpp"

namespace strata {

/// How the hidden layers of a network are built.
struct MlpOptions {
  Activation activation = Activation::softplus;
  std::optional<Init> init = {};  ///< or what suits the activation: `suitable_init`
  bool batch_norm = false;        ///< between each linear map and its activation
  double dropout = 0;             ///< after each activation
};

/// Hidden layers h ← activation(norm(h W + b)); none of them is linear at its end. Gated ones are
/// h ← norm(h W + b) ⊙ sigmoid(h V + c) (Dauphin et al. 2017).
template <class T> struct Mlp {
  struct Layer {
    Linear<T> linear;
    std::optional<BatchNorm<T>> norm;
    std::optional<Linear<T>> gate;

    static void fields(auto& self, auto&& visit) {
      visit("", self.linear);
      visit("norm", self.norm);
      visit("gate", self.gate);
    }
  };

  std::vector<Layer> layers;
  MlpOptions options;

  /// From `in` inputs through these widths; none of them makes the network the identity.
  Mlp(std::size_t in, const std::vector<std::size_t>& widths, const MlpOptions& given, Rng& rng);

  /// The width of the output, for so many inputs.
  std::size_t width(std::size_t in) const {
    return layers.empty() ? in : layers.back().linear.bias.value().size();
  }

  /// x (B, in): (B, last width)
  Var<T> operator()(Var<T> x, Context context = {}) const;

  /// The same of each row of x (B, in − C) beside K rows of c (B·K, C), one after another: (B·K, last width).
  Var<T> operator()(Var<T> x, Var<T> c, Context context = {}) const;

  static void fields(auto& self, auto&& visit) { visit("", self.layers); }
};

}  // namespace strata
