// Sums and maxima of lazy expressions over axes: one vectorised pass each, threaded where large.
#pragma once

#include <limits>
#include <optional>

#include "strata/tensor/expression.hpp"

namespace strata {

/// A lazy reduction: what `sum_to`, `sum_last` and `max_to` make.
template <class C, class E> struct Reduction {
  C combine;
  E expression;
  std::optional<Shape> kept;   // the result's shape, 1 along the axes reduced over; empty: all but the last
  std::optional<Shape> shape;  // what the result is called instead, of as many elements
};

namespace detail {

// Numbers of the expression's type are combined in blocks, and these in `Total`.
struct Sum {
  template <class T> using Total = double;
  template <class T> static constexpr T start = T(0);
  template <class V> static V of(V a, V b) { return a + b; }
};
struct Max {
  template <class T> using Total = T;
  template <class T> static constexpr T start = -std::numeric_limits<T>::infinity();
  template <class V> static V of(V a, V b) { return select(a < b, b, select(b == b, a, b)); }  // NaN passes
};

/// At most so many batches are combined in the expression's own type: the rounding errors of so many
/// additions stay below 1e-6 for float.
inline constexpr std::size_t block = 16;
/// The width of the columns that are reduced together, their totals in the first-level cache.
inline constexpr std::size_t strip = 128;
/// The most pieces into which the elements of one total are cut. Pieces depend on shapes alone, so that the
/// result does not depend on the thread count.
inline constexpr std::size_t max_pieces = 64;

/// A reduction of e over the axes of `full` along which the result, of shape `kept`, has size 1.
template <class C, class T, class E> class Reducer {
  using Total = typename C::template Total<T>;
  static constexpr std::size_t leaf_count = Reading<E, T>::leaves, lanes = Batch<T>::size;

 public:
  Reducer(const E& e, const Shape& full, T* result, const Shape& kept)
      : e_(e), leaves_(e, full, result, kept), result_(result) {
    for (std::size_t axis = 0; axis < leaves_.inner(); ++axis)
      (step(axis) != 0 ? kept_ : reduced_).add(axis, leaves_.loop.sizes[axis]);
    inner_ = leaves_.loop.sizes[leaves_.inner()];
    over_rows_ = step(leaves_.inner()) == 0;
  }

  void run(Update update) {
    const std::size_t strips = over_rows_ ? 1 : (inner_ + strip - 1) / strip, totals = kept_.size() * strips;
    const std::size_t positions = reduced_.size() * (over_rows_ ? inner_ : 1);
    const std::size_t work = positions * (over_rows_ ? 1 : std::min(inner_, strip));
    const std::size_t pieces =
        totals < max_pieces ? std::clamp<std::size_t>(work / parallel_elements, 1, max_pieces) : 1;
    if (pieces == 1) {
      parallel_for(
          totals, parallel_elements / std::max<std::size_t>(work, 1) + 1,
          [&](std::size_t begin, std::size_t end) {
            Reducer mine = *this;
            Total total[strip];
            for (std::size_t k = begin; k < end; ++k) {
              mine.reduce(k, strips, 0, positions, total);
              mine.store(k, strips, total, update);
            }
          },
          1);
      return;
    }
    Total total[max_pieces][strip];
    for (std::size_t k = 0; k < totals; ++k) {
      parallel_for(
          pieces, 1,
          [&](std::size_t begin, std::size_t end) {
            Reducer mine = *this;
            for (std::size_t p = begin; p < end; ++p)
              mine.reduce(k, strips, positions * p / pieces, positions * (p + 1) / pieces, total[p]);
          },
          1);
      for (std::size_t p = 1; p < pieces; ++p)
        for (std::size_t j = 0; j < width(k, strips); ++j) total[0][j] = C::of(total[0][j], total[p][j]);
      kept_.seek(k / strips, leaves_);
      store(k, strips, total[0], update);
    }
  }

 private:
  std::ptrdiff_t step(std::size_t axis) const { return leaves_.leaf[leaf_count].steps[axis]; }
  std::size_t first(std::size_t k, std::size_t strips) const { return k % strips * strip; }
  std::size_t width(std::size_t k, std::size_t strips) const {
    return over_rows_ ? 1 : std::min(inner_, first(k, strips) + strip) - first(k, strips);
  }

  // The totals of the k-th strip over the reduced positions begin ... end − 1.
  void reduce(std::size_t k, std::size_t strips, std::size_t begin, std::size_t end, Total* total) {
    kept_.seek(k / strips, leaves_);
    over_rows_ ? reduce_rows(begin, end, total)
               : reduce_columns(first(k, strips), width(k, strips), begin, end, total);
  }

  void reduce_rows(std::size_t begin, std::size_t end, Total* total) {
    Total lane[lanes];
    std::fill(lane, lane + lanes, C::template start<Total>);
    reduced_.seek(begin / inner_, leaves_);
    for (std::size_t start = begin / inner_ * inner_; start < end; start += inner_, reduced_.next(leaves_)) {
      const auto runs = leaves_.template runs<leaf_count>();
      const std::size_t stop = std::min(start + inner_, end) - start;
      std::size_t i = std::max(start, begin) - start;
      while (i + lanes <= stop) {
        Batch<T> sum(C::template start<T>);
        for (std::size_t b = 0; b < block && i + lanes <= stop; ++b, i += lanes)
          sum = C::of(sum, read<T, 0>(e_, runs, i, Whole()));
        combine(sum, lane, lanes);
      }
      if (i < stop) combine(read_tail<T>(e_, runs, i, stop - i), lane, stop - i);
    }
    for (std::size_t half = lanes / 2; half > 0; half /= 2)
      for (std::size_t l = 0; l < half; ++l) lane[l] = C::of(lane[l], lane[l + half]);
    *total = lane[0];
  }

  void reduce_columns(std::size_t first, std::size_t width, std::size_t begin, std::size_t end,
                      Total* total) {
    std::fill(total, total + width, C::template start<Total>);
    reduced_.seek(begin, leaves_);
    for (std::size_t row = begin; row < end;) {
      Batch<T> sums[strip / lanes];
      std::fill(sums, sums + (width + lanes - 1) / lanes, Batch<T>(C::template start<T>));
      for (std::size_t b = 0; b < block && row < end; ++b, ++row, reduced_.next(leaves_)) {
        const auto runs = leaves_.template runs<leaf_count>();
        std::size_t j = 0;
        for (; j + lanes <= width; j += lanes)
          sums[j / lanes] = C::of(sums[j / lanes], read<T, 0>(e_, runs, first + j, Whole()));
        if (j < width) sums[j / lanes] = C::of(sums[j / lanes], read_tail<T>(e_, runs, first + j, width - j));
      }
      for (std::size_t j = 0; j < width; j += lanes)
        combine(sums[j / lanes], total + j, std::min(lanes, width - j));
    }
  }

  static void combine(const Batch<T>& values, Total* total, std::size_t count) {
    alignas(Batch<T>) T lane[lanes];
    values.store_aligned(lane);
    if (count == lanes)
      for (std::size_t l = 0; l < lanes; ++l) total[l] = C::of(total[l], static_cast<Total>(lane[l]));
    else
      for (std::size_t l = 0; l < count; ++l) total[l] = C::of(total[l], static_cast<Total>(lane[l]));
  }

  void store(std::size_t k, std::size_t strips, const Total* total, Update update) {
    T* to = result_ + (leaves_.leaf[leaf_count].position - start_) + (over_rows_ ? 0 : first(k, strips));
    for (std::size_t j = 0; j < width(k, strips); ++j)
      to[j] = update == Update::add ? to[j] + static_cast<T>(total[j]) : static_cast<T>(total[j]);
  }

  const E& e_;
  Leaves<T, leaf_count + 1> leaves_;  // the last is the result
  T* result_;
  const T* start_ = result_;
  Odometer kept_, reduced_;  // the outer axes of both kinds
  std::size_t inner_;
  bool over_rows_;  // the innermost axis is reduced
};

}  // namespace detail

/// The lazy Σ expression over the axes along which `kept`, as it broadcasts to the expression's shape, has
/// size 1. The result has this shape, or `shape`, of as many elements. It is evaluated where it is recorded
/// on a tape, or by its `scratch`. Blocks are summed in the expression's type and in double beyond: the
/// relative error of a sum of positive numbers stays below 1e-6 for float, however many they are. It does not
/// depend on the thread count.
template <class E> auto sum_to(const Shape& kept, E&& e, std::optional<Shape> shape = {}) {
  return Reduction<detail::Sum, E>{{}, std::forward<E>(e), kept, std::move(shape)};
}
/// Σ expression over its last axis, which goes.
template <class E> auto sum_last(E&& e) { return Reduction<detail::Sum, E>{{}, std::forward<E>(e), {}, {}}; }
/// The largest element over the axes along which `kept` has size 1; −∞ over none. NaN if one is.
template <class E> auto max_to(const Shape& kept, E&& e, std::optional<Shape> shape = {}) {
  return Reduction<detail::Max, E>{{}, std::forward<E>(e), kept, std::move(shape)};
}

namespace detail {

/// result (+)= the reduction of e, of shape `full`, seen as `kept`.
template <class C, class T, class E>
void reduce(Tensor<T>& result, const Shape& kept, const E& e, const Shape& full, Update update) {
  if (element_count(full) > 0)
    Reducer<C, T, E>(e, full, result.data(), kept).run(update);
  else if (update == Update::assign)
    result.fill(C::template start<T>);
}

}  // namespace detail
}  // namespace strata
