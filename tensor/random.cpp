#include "strata/tensor/random.hpp"

#include <Random123/philox.h>

#include <algorithm>
#include <numbers>
#include <numeric>

#include "strata/tensor/parallel.hpp"

namespace strata {
namespace {

// Words are drawn and transformed in pieces of this many, which stay in the first-level cache. A piece's
// words depend on its place alone, so that pieces can be drawn in any order by any thread.
constexpr std::size_t piece_words = 512;
constexpr std::size_t piece_blocks = piece_words / 4;

std::uint32_t low(std::uint64_t word) { return static_cast<std::uint32_t>(word); }
std::uint32_t high(std::uint64_t word) { return static_cast<std::uint32_t>(word >> 32); }

r123::Philox4x32::key_type key_of(const Rng& rng) { return {{low(rng.seed), high(rng.seed)}}; }

r123::Philox4x32::ctr_type block_of(const Rng& rng, std::uint64_t counter, r123::Philox4x32::key_type key) {
  return r123::Philox4x32()({{low(counter), high(counter), low(rng.stream), high(rng.stream)}}, key);
}

void draw_words(const Rng& rng, std::uint32_t* words) {
  const auto key = key_of(rng);
  for (std::size_t block = 0; block < piece_blocks; ++block) {
    const auto drawn = block_of(rng, rng.counter + block, key);
    for (std::size_t word = 0; word < 4; ++word) words[4 * block + word] = drawn[word];
  }
}

// [0, 1) with as many bits as T's significand holds, from one word (float) or two (double).
float unit(const std::uint32_t* words, std::size_t i, float) {
  return static_cast<float>(words[i] >> 8) * 0x1p-24f;
}
double unit(const std::uint32_t* words, std::size_t i, double) {
  const std::uint64_t both = static_cast<std::uint64_t>(words[2 * i]) << 32 | words[2 * i + 1];
  return static_cast<double>(both >> 11) * 0x1p-53;
}

template <class T> constexpr std::size_t piece_numbers = piece_words * sizeof(std::uint32_t) / sizeof(T);

// Calls use(first index, count, uniforms) for every piece of n numbers and moves the counter past them.
template <class T, class F> void for_each_piece(Rng& rng, std::size_t n, F use) {
  const std::size_t pieces = (n + piece_numbers<T> - 1) / piece_numbers<T>;
  const Rng start = rng;
  parallel_for(
      pieces, 16384 / piece_numbers<T>,
      [&](std::size_t begin, std::size_t end) {
        alignas(64) std::uint32_t words[piece_words];
        alignas(64) T uniforms[piece_numbers<T>];
        for (std::size_t piece = begin; piece < end; ++piece) {
          draw_words({start.seed, start.counter + piece * piece_blocks, start.stream}, words);
          for (std::size_t i = 0; i < piece_numbers<T>; ++i) uniforms[i] = unit(words, i, T());
          const std::size_t first = piece * piece_numbers<T>;
          use(first, std::min(piece_numbers<T>, n - first), uniforms);
        }
      },
      1);
  constexpr std::size_t numbers_per_block = 4 * piece_numbers<T> / piece_words;
  rng.counter += (n + numbers_per_block - 1) / numbers_per_block;
}

// Uniforms to normals, in place: the first half gives the radius, the second the angle.
// √(−2 ln(1 − u)) (cos 2πv, sin 2πv)
template <class T> void box_muller(T* u) {
  using Batch = xsimd::batch<T>;
  constexpr std::size_t half = piece_numbers<T> / 2;
  static_assert(half % Batch::size == 0);
  for (std::size_t i = 0; i < half; i += Batch::size) {
    const Batch radius = xsimd::sqrt(T(-2) * xsimd::log(T(1) - Batch::load_aligned(u + i)));
    const auto [sine, cosine] =
        xsimd::sincos(T(2) * std::numbers::pi_v<T> * Batch::load_aligned(u + half + i));
    (radius * cosine).store_aligned(u + i);
    (radius * sine).store_aligned(u + half + i);
  }
}

}  // namespace

template <class T> void fill_uniform(Rng& rng, Tensor<T>& x) {
  for_each_piece<T>(rng, x.size(), [&](std::size_t first, std::size_t count, const T* u) {
    std::copy_n(u, count, x.data() + first);
  });
}

template <class T> void fill_normal(Rng& rng, Tensor<T>& x) {
  // A last piece that is not full uses both halves of its uniforms: the counter must pass the whole piece.
  const std::size_t n = (x.size() + piece_numbers<T> - 1) / piece_numbers<T> * piece_numbers<T>;
  for_each_piece<T>(rng, n, [&](std::size_t first, std::size_t, T* u) {
    box_muller(u);
    std::copy_n(u, std::min(piece_numbers<T>, x.size() - first), x.data() + first);
  });
}

template <class T> void fill_bernoulli(Rng& rng, const Tensor<T>& p, Tensor<T>& x) {
  x.resize(p.shape());
  for_each_piece<T>(rng, x.size(), [&](std::size_t first, std::size_t count, const T* u) {
    for (std::size_t i = 0; i < count; ++i) x.data()[first + i] = u[i] < p.data()[first + i] ? T(1) : T(0);
  });
}

void permute(Rng& rng, std::size_t n, std::vector<std::size_t>& order) {
  order.resize(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const r123::Philox4x32::key_type key = key_of(rng);
  std::size_t left = n;
  for (; left > 1; left -= std::min<std::size_t>(left, 2)) {  // Fisher and Yates: two numbers a block
    const auto words = block_of(rng, rng.counter++, key);
    for (std::size_t k = 0; k < 2 && left - k > 1; ++k) {
      const double u = unit(words.data() + 2 * k, 0, double());
      std::swap(order[left - k - 1], order[static_cast<std::size_t>(u * static_cast<double>(left - k))]);
    }
  }
}

template void fill_uniform(Rng&, Tensor<float>&);
template void fill_uniform(Rng&, Tensor<double>&);
template void fill_normal(Rng&, Tensor<float>&);
template void fill_normal(Rng&, Tensor<double>&);
template void fill_bernoulli(Rng&, const Tensor<float>&, Tensor<float>&);
template void fill_bernoulli(Rng&, const Tensor<double>&, Tensor<double>&);

}  // namespace strata
