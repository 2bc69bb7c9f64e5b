// Activation functions by name.
#pragma once

#include <string>

#include "autograd/tape.hpp"

namespace strata {

enum class Activation { softplus, relu, leaky_relu, tanh, sigmoid };

/// An activation by its name in the enumeration. Throws for another name.
Activation parse_activation(const std::string& name);
std::string to_string(Activation activation);

/// The activation of x, elementwise.
template <class T> Var<T> activate(Activation activation, Var<T> x);

}  // namespace strata
