// Counter-based random numbers (Philox 4x32-10): a draw depends on (seed, counter) alone, never on the thread
// count.
#pragma once

#include <cstdint>
#include <vector>

#include "strata/tensor/tensor.hpp"

namespace strata {

/// Rows first ... first + count − 1 of a tensor that has `total`.
struct Rows {
  std::size_t first = 0, count = 0, total = 0;
  bool operator==(const Rows&) const = default;
};

/// A sequence of random numbers: plain data, so that a run continues exactly where it was saved. Sequences of
/// another seed or another stream are independent of each other. Every draw below advances `counter`.
struct Rng {
  std::uint64_t seed = 0;
  std::uint64_t counter = 0;
  std::uint64_t stream = 0;

  /// Where a process has some rows of every tensor: which. A tensor is then filled with the numbers that
  /// these rows would have in the whole, and `counter` passes the whole. {} for a tensor that has all of its
  /// rows.
  Rows rows = {};

  bool operator==(const Rng&) const = default;

  static void fields(auto& self, auto&& visit) {
    visit("seed", self.seed);
    visit("counter", self.counter);
    visit("stream", self.stream);
  }
};

/// Fills x with independent draws, uniform on [0, 1): multiples of 2^−24 (float) or 2^−53 (double).
template <class T> void fill_uniform(Rng& rng, Tensor<T>& x);

/// Fills x with independent draws from N(0, 1) (Box and Muller 1958), never 0. The radius is made of 40
/// random bits (float) or 75 (double), so that tails have their rates to 7 σ (float) or 9 σ (double). Up to
/// version 0.1 a float radius had 24 bits, no draw passed 5.77 σ, and a seed gave other numbers.
template <class T> void fill_normal(Rng& rng, Tensor<T>& x);

/// x_i = 1 with probability p_i, rounded to a multiple of 2^−32 (float) or 2^−64 (double), else 0,
/// independently: never 1 for p_i = 0, always for p_i = 1. `x` may be `p` itself. Throws, naming the first,
/// for a p_i outside [0, 1]; x then means nothing. Up to version 0.1 p_i was rounded up to a multiple of
/// 2^−24 (float) or 2^−53, so that a seed now and then gave another number.
template <class T> void fill_bernoulli(Rng& rng, const Tensor<T>& p, Tensor<T>& x);

/// Sets `order` to the numbers 0 ... n − 1 in a uniformly drawn order.
void permute(Rng& rng, std::size_t n, std::vector<std::size_t>& order);

}  // namespace strata
