// Initial values of a linear layer.
#pragma once

#include "strata/nn/activation.hpp"
#include "strata/nn/parameter.hpp"
#include "strata/tensor/random.hpp"

namespace strata {

/// - `he_with_biases`: weights and biases from N(0, 2 / fan_in);
/// - `he`: weights from N(0, 2 / fan_in), biases 0 (He et al. 2015, equation 10): for relu and its kin;
/// - `glorot`: weights uniform on ±√(6 / (fan_in + fan_out)), biases 0 (Glorot and Bengio 2010, equation 16):
/// for tanh;
/// - `zero`: weights and biases 0: for a layer that shall begin as a constant.
///
/// Keras' own choice is `glorot`; PyTorch's, all uniform on ±1/√fan_in, is none of these.
enum class Init { he_with_biases, he, glorot, zero };
template <> struct Named<Init> {
  static constexpr const char* what = "init";
  static constexpr std::array names = {"he_with_biases", "he", "glorot", "zero"};
};

/// The initialiser that suits networks of this activation: `glorot` for tanh and sigmoid, which saturate,
/// `he` for gated layers (Tomczak and Welling 2018), `he_with_biases` for the others. Outputs that grow with
/// their layers are too large for models of several stochastic layers: those are better off with `glorot`
/// whatever the activation.
Init suitable_init(Activation activation, std::size_t stochastic_layers = 1);

/// Draws weight (fan_in, fan_out) and bias (fan_out), which have their shapes already.
template <class T> void initialize(Init init, Tensor<T>& weight, Tensor<T>& bias, Rng& rng);

}  // namespace strata
