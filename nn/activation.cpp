#include "nn/activation.hpp"

#include "autograd/elementwise.hpp"
#include "nn/names.hpp"

namespace strata {
namespace {

constexpr Names<Activation, 5> names = {{{Activation::softplus, "softplus"},
                                         {Activation::relu, "relu"},
                                         {Activation::leaky_relu, "leaky_relu"},
                                         {Activation::tanh, "tanh"},
                                         {Activation::sigmoid, "sigmoid"}}};

}  // namespace

Activation parse_activation(const std::string& name) { return parse_name("activation", names, name); }
std::string to_string(Activation activation) { return name_of(names, activation); }

template <class T> Var<T> activate(Activation activation, Var<T> x) {
  switch (activation) {
    case Activation::softplus:
      return softplus(x);
    case Activation::relu:
      return relu(x);
    case Activation::leaky_relu:
      return leaky_relu(x);
    case Activation::tanh:
      return tanh(x);
    case Activation::sigmoid:
      return sigmoid(x);
  }
  fail("activate", "the activation " + std::to_string(static_cast<int>(activation)) + " is unknown");
}

template Var<float> activate(Activation, Var<float>);
template Var<double> activate(Activation, Var<double>);

}  // namespace strata
