#include "strata/tensor/random.hpp"

#include <Random123/philox.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <limits>
#include <numbers>
#include <numeric>
#include <type_traits>

#include "strata/tensor/interval.hpp"
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

// A number is made of as many random bits as it has itself: leading ones, which its significand holds, and
// spare ones.
template <class T> using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
template <class T> constexpr int leading_bits = std::numeric_limits<T>::digits;
template <class T> constexpr int spare_bits = 8 * sizeof(T) - leading_bits<T>;

std::uint64_t join(const std::uint32_t* words) {
  return static_cast<std::uint64_t>(words[0]) << 32 | words[1];
}

void draw_piece(const Rng& rng, std::uint32_t* words) {
  const auto key = key_of(rng);
  for (std::size_t block = 0; block < piece_blocks; ++block) {
    const auto drawn = block_of(rng, rng.counter + block, key);
    for (std::size_t word = 0; word < 4; ++word) words[4 * block + word] = drawn[word];
  }
}
void draw_piece(const Rng& rng, std::uint64_t* bits) {
  alignas(64) std::uint32_t words[piece_words];
  draw_piece(rng, words);
  for (std::size_t i = 0; i < piece_words / 2; ++i) bits[i] = join(words + 2 * i);
}

// 2^−n
template <class T> constexpr T inverse_power_of_two(int n) {
  T power = 1;
  for (; n > 0; --n) power /= 2;
  return power;
}

// [0, 1) from the leading bits
template <class T> T unit(Bits<T> bits) {
  return static_cast<T>(bits >> spare_bits<T>) * inverse_power_of_two<T>(leading_bits<T>);
}

template <class T> constexpr std::size_t piece_numbers = piece_words * sizeof(std::uint32_t) / sizeof(T);

// Where n numbers begin among those of all rows, and how many these are.
struct Window {
  std::size_t first, total;
};
Window window_of(const Rows& rows, std::size_t n) {
  if (rows.count == rows.total) return {0, n};
  if (rows.count == 0 || n % rows.count != 0)
    fail("Rng", std::to_string(n) + " numbers do not make " + std::to_string(rows.count) +
                    " rows; what has no rows of a batch is drawn by an Rng without `rows`");
  return {n / rows.count * rows.first, n / rows.count * rows.total};
}

// Calls use(first index, count, bits of the piece, place of the first in it) for every piece of n numbers,
// and moves the counter past those of all rows, or past the last piece of them.
template <class T, class F> void for_each_piece(Rng& rng, std::size_t n, F use, bool whole_pieces = false) {
  constexpr std::size_t size = piece_numbers<T>, numbers_per_block = 4 * size / piece_words;
  const auto [before, total] = window_of(rng.rows, n);
  const std::size_t first_piece = before / size, end_piece = (before + n + size - 1) / size;
  const Rng start = rng;
  parallel_for(
      end_piece - first_piece, 16384 / size,
      [&, before = before](std::size_t begin, std::size_t end) {
        alignas(64) Bits<T> bits[size];
        for (std::size_t piece = first_piece + begin; piece < first_piece + end; ++piece) {
          draw_piece({start.seed, start.counter + piece * piece_blocks, start.stream}, bits);
          const std::size_t low = std::max(piece * size, before),
                            high = std::min((piece + 1) * size, before + n);
          use(low - before, high - low, bits, low - piece * size);
        }
      },
      1);
  const std::size_t passed = whole_pieces ? (total + size - 1) / size * size : total;
  rng.counter += (passed + numbers_per_block - 1) / numbers_per_block;
}

// cos x = Σ (−x²)^k / (2k)! for first = 0, sin x / x = Σ (−x²)^k / (2k + 1)! for first = 1; |x| ≤ π/4
template <class T, int first> xsimd::batch<T> sine_series(const xsimd::batch<T>& square) {
  constexpr int terms = sizeof(T) == 4 ? 5 : 9;
  constexpr auto coefficients = [] {
    std::array<T, terms> c{};
    double term = 1;
    for (int k = 0; k < terms; term /= -(2 * k + first + 1) * (2 * k + first + 2), ++k)
      c[static_cast<std::size_t>(k)] = static_cast<T>(term);
    return c;
  }();
  xsimd::batch<T> sum(coefficients[terms - 1]);
  for (std::size_t k = terms - 1; k > 0; --k)
    sum = xsimd::fma(sum, square, xsimd::batch<T>(coefficients[k - 1]));
  return sum;
}

// Bits to normals: √(−2 ln u) (cos θ, sin θ), with u from all of the first half's bits and the spare ones of
// the second half, θ from the second half's leading ones: two signs, which of the two is larger, and an angle
// in (0, π/4). Each lies in the middle of its interval, so that neither u = 0 nor a multiple of π/4 occurs.
//
// u is read as a signed t ∈ (−½, ½): u = t, or 1 + t where t < 0. Floating point resolves t to its last bit
// beside u = 0, the tail, and, by ln(1 + t) ≈ ln u + (t − (u − 1)) for u as rounded, beside u = 1, radius 0.
template <class T> void box_muller(const Bits<T>* bits, T* z) {
  using Batch = xsimd::batch<T>;
  using Integer = std::make_signed_t<Bits<T>>;
  using Integers = xsimd::batch<Integer>;
  constexpr std::size_t half = piece_numbers<T> / 2;
  static_assert(half % Batch::size == 0);
  constexpr int angle_bits = leading_bits<T> - 3;
  constexpr T unit_bits = inverse_power_of_two<T>(leading_bits<T> + spare_bits<T>);
  constexpr T unit_spare = inverse_power_of_two<T>(leading_bits<T> + 2 * spare_bits<T>);
  constexpr T unit_angle = std::numbers::pi_v<T> / 4 * inverse_power_of_two<T>(angle_bits);
  const auto load = [&](std::size_t i) {
    return xsimd::bitwise_cast<Integers>(xsimd::batch<Bits<T>>::load_aligned(bits + i));
  };
  // (n + ½) unit
  const auto middle = [](const Integers& n, T unit) {
    return xsimd::fma(xsimd::to_float(n), Batch(unit), Batch(unit / 2));
  };
  const Integers sign(std::numeric_limits<Integer>::min()), spare_mask((Integer{1} << spare_bits<T>)-1),
      angle_mask((Integer{1} << angle_bits) - 1), swap_mask(Integer{1} << (spare_bits<T> + angle_bits));
  const Batch zero(T(0)), one(T(1));
  for (std::size_t i = 0; i < half; i += Batch::size) {
    const Integers second = load(half + i);
    const Batch t =
        xsimd::fma(xsimd::to_float(load(i)), Batch(unit_bits), middle(second & spare_mask, unit_spare));
    const Batch base = xsimd::select(t < zero, one, zero);
    const Batch u = base + t;
    const Batch radius = xsimd::sqrt(T(-2) * (xsimd::log(u) + (t - (u - base))));

    const Batch angle = middle((second >> spare_bits<T>)&angle_mask, unit_angle);
    const Batch square = angle * angle;
    const Batch cosine = sine_series<T, 0>(square), sine = angle * sine_series<T, 1>(square);
    const auto swap = xsimd::bool_cast((second & swap_mask) != Integers(Integer{0}));
    const Batch first_sign = xsimd::bitwise_cast<Batch>(second & sign);
    const Batch second_sign = xsimd::bitwise_cast<Batch>((second << 1) & sign);
    ((radius ^ first_sign) * xsimd::select(swap, sine, cosine)).store_aligned(z + i);
    ((radius ^ second_sign) * xsimd::select(swap, cosine, sine)).store_aligned(z + half + i);
  }
}

// 1 where u < p, with u from all bits, in the middle of its interval: the spare bits against p − unit(bits),
// which is exact wherever they decide.
template <class T> T bernoulli(Bits<T> bits, T p) {
  constexpr Bits<T> mask = (Bits<T>{1} << spare_bits<T>)-1;
  constexpr T unit_bits = inverse_power_of_two<T>(leading_bits<T> + spare_bits<T>);
  return (static_cast<T>(bits & mask) + T(0.5)) * unit_bits < p - unit<T>(bits) ? T(1) : T(0);
}

template <class T> bool are_probabilities(const T* p, std::size_t count) {
  using Batch = xsimd::batch<T>;
  const Batch zero(T(0)), one(T(1));
  auto inside = zero < one;
  std::size_t i = 0;
  for (; i + Batch::size <= count; i += Batch::size) {
    const Batch v = Batch::load_unaligned(p + i);
    inside = inside & (v >= zero) & (v <= one);
  }
  return xsimd::all(inside) && std::all_of(p + i, p + count, [](T v) { return v >= 0 && v <= 1; });
}

}  // namespace

template <class T> void fill_uniform(Rng& rng, Tensor<T>& x) {
  for_each_piece<T>(rng, x.size(),
                    [&](std::size_t first, std::size_t count, const Bits<T>* bits, std::size_t place) {
                      std::transform(bits + place, bits + place + count, x.data() + first, unit<T>);
                    });
}

template <class T> void fill_normal(Rng& rng, Tensor<T>& x) {
  // A piece uses both halves of its bits, also where it is not full: the counter must pass the whole piece.
  for_each_piece<T>(
      rng, x.size(),
      [&](std::size_t first, std::size_t count, const Bits<T>* bits, std::size_t place) {
        if (count == piece_numbers<T> && first % xsimd::batch<T>::size == 0)
          return box_muller(bits, x.data() + first);
        alignas(64) T z[piece_numbers<T>];
        box_muller(bits, z);
        std::copy_n(z + place, count, x.data() + first);
      },
      true);
}

template <class T> void fill_bernoulli(Rng& rng, const Tensor<T>& p, Tensor<T>& x) {
  x.resize(p.shape());
  std::atomic<bool> possible = true;
  for_each_piece<T>(
      rng, x.size(), [&](std::size_t first, std::size_t count, const Bits<T>* bits, std::size_t place) {
        const T* probabilities = p.data() + first;
        if (are_probabilities(probabilities, count))
          std::transform(bits + place, bits + place + count, probabilities, x.data() + first, bernoulli<T>);
        else
          possible = false;
      });
  if (!possible) require_within("fill_bernoulli", "p", p, unit_interval);
}

void permute(Rng& rng, std::size_t n, std::vector<std::size_t>& order) {
  order.resize(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const r123::Philox4x32::key_type key = key_of(rng);
  std::size_t left = n;
  for (; left > 1; left -= std::min<std::size_t>(left, 2)) {  // Fisher and Yates: two numbers a block
    const auto words = block_of(rng, rng.counter++, key);
    for (std::size_t k = 0; k < 2 && left - k > 1; ++k) {
      const double u = unit<double>(join(words.data() + 2 * k));
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
