// Activation functions by name.
#pragma once

#include "strata/autograd/tape.hpp"
#include "strata/nn/names.hpp"

namespace strata {

enum class Activation { softplus, relu, leaky_relu, tanh, sigmoid };
template <> struct Named<Activation> {
  static constexpr const char* what = "activation";
  static constexpr std::array names = {"softplus", "relu", "leaky_relu", "tanh", "sigmoid"};
};

/// The activation of x, elementwise.
template <class T> Var<T> activate(Activation activation, Var<T> x);

}  // namespace strata
