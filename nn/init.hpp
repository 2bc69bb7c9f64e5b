// Initial values of a linear layer.
#pragma once

#include <string>

#include "nn/parameter.hpp"
#include "tensor/random.hpp"

namespace strata {

/// - `source`: weights and biases from N(0, 2 / fan_in);
/// - `he`: weights from N(0, 2 / fan_in), biases 0 (He et al. 2015, equation 10): for relu and its kin;
/// - `glorot`: weights uniform on ±√(6 / (fan_in + fan_out)), biases 0 (Glorot and Bengio 2010, equation 16):
/// for tanh.
enum class Init { source, he, glorot };

/// "source", "he" or "glorot" as its value. Throws for another name.
Init parse_init(const std::string& name);
std::string to_string(Init init);

/// Draws weight (fan_in, fan_out) and bias (fan_out), which have their shapes already.
template <class T> void initialize(Init init, Tensor<T>& weight, Tensor<T>& bias, Rng& rng);

}  // namespace strata
