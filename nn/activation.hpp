// Activation functions by name.
#pragma once

#include "strata/autograd/tape.hpp"
#include "strata/nn/names.hpp"

namespace strata {

/// All are elementwise but `gated`, which a layer makes: (W x + b) ⊙ sigmoid(V x + c), see `Mlp`.
enum class Activation { softplus, relu, leaky_relu, tanh, sigmoid, gated };
template <> struct Named<Activation> {
  static constexpr const char* what = "activation";
  static constexpr std::array names = {"softplus", "relu", "leaky_relu", "tanh", "sigmoid", "gated"};
};

/// The activation of x, elementwise. Throws for `gated`.
template <class T> Var<T> activate(Activation activation, Var<T> x);

}  // namespace strata
