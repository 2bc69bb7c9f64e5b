#include "strata/nn/activation.hpp"

#include "strata/autograd/elementwise.hpp"

namespace strata {
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
    case Activation::gated:
      fail("activate", "gated is no function of one input; Mlp has such layers");
  }
  fail("activate", "the activation " + std::to_string(static_cast<int>(activation)) + " is unknown");
}

template Var<float> activate(Activation, Var<float>);
template Var<double> activate(Activation, Var<double>);

}  // namespace strata
