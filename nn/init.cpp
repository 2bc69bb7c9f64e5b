#include "strata/nn/init.hpp"

#include <cmath>

namespace strata {
Init suitable_init(Activation activation, std::size_t stochastic_layers) {
  const bool saturates = activation == Activation::tanh || activation == Activation::sigmoid;
  if (saturates || stochastic_layers > 1) return Init::glorot;
  return activation == Activation::gated ? Init::he : Init::he_with_biases;
}

template <class T> void initialize(Init init, Tensor<T>& weight, Tensor<T>& bias, Rng& rng) {
  const auto fan_in = static_cast<T>(weight.shape(0)), fan_out = static_cast<T>(weight.shape(1));
  const T deviation = std::sqrt(T(2) / fan_in), bound = std::sqrt(T(6) / (fan_in + fan_out));
  bias.fill(T(0));
  switch (init) {
    case Init::he_with_biases:
      fill_normal(rng, bias);
      bias *= deviation;
      [[fallthrough]];
    case Init::he:
      fill_normal(rng, weight);
      weight *= deviation;
      break;
    case Init::glorot:
      fill_uniform(rng, weight);
      weight = bound * (T(2) * weight - T(1));
      break;
    case Init::zero:
      weight.fill(T(0));
      break;
  }
}

template void initialize(Init, Tensor<float>&, Tensor<float>&, Rng&);
template void initialize(Init, Tensor<double>&, Tensor<double>&, Rng&);

}  // namespace strata
