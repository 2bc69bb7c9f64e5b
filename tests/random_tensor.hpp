// Random inputs of tests.
#pragma once

#include "strata/tensor/random.hpp"

namespace strata::tests {

/// Draws from N(0, 1) that follow from the seed.
inline Tensor<double> normals(const Shape& shape, std::uint64_t seed) {
  Rng rng{seed};
  auto x = Tensor<double>::from_shape(shape);
  fill_normal(rng, x);
  return x;
}

}  // namespace strata::tests
