// Counter-based random numbers (Philox 4x32-10): a draw depends on (seed, counter) alone, never on the thread
// count.
#pragma once

#include <cstdint>
#include <vector>

#include "strata/tensor/tensor.hpp"

namespace strata {

/// A sequence of random numbers: plain data, so that a run continues exactly where it was saved. Sequences of
/// another seed or another stream are independent of each other. Every draw below advances `counter`.
struct Rng {
  std::uint64_t seed = 0;
  std::uint64_t counter = 0;
  std::uint64_t stream = 0;
};

/// Fills x with independent draws, uniform on [0, 1).
template <class T> void fill_uniform(Rng& rng, Tensor<T>& x);

/// Fills x with independent draws from N(0, 1) (Box and Muller 1958).
template <class T> void fill_normal(Rng& rng, Tensor<T>& x);

/// x_i = 1 with probability p_i, else 0, independently. `x` may be `p` itself.
template <class T> void fill_bernoulli(Rng& rng, const Tensor<T>& p, Tensor<T>& x);

/// Sets `order` to the numbers 0 ... n − 1 in a uniformly drawn order.
void permute(Rng& rng, std::size_t n, std::vector<std::size_t>& order);

}  // namespace strata
