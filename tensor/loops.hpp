// A pass over the elements of an expression: its leaves, seen from the axes of a destination.
#pragma once

#include "strata/tensor/leaves.hpp"

namespace strata::detail {

/// The most axes of an expression.
inline constexpr std::size_t max_axes = 8;
using Steps = std::array<std::ptrdiff_t, max_axes>;

/// One leaf as a pass sees it: where it stands, how far its next element lies along each axis (0 where it is
/// broadcast), and room for a number in all lanes.
template <class T> struct Leaf {
  const T *position, *end;
  Steps steps;
  bool permuted;
  alignas(Batch<T>) T lanes[Batch<T>::size];

  Run<T> run(std::size_t axis) {
    if (permuted) return {position, static_cast<std::size_t>(steps[axis]), end};
    if (steps[axis] != 0) return {position, ~std::size_t{0}, end};
    Batch<T>(*position).store_aligned(lanes);
    return {lanes, 0, lanes + Batch<T>::size};
  }
};

/// The axes of a pass, outermost first.
struct Loop {
  std::size_t rank;
  std::array<std::size_t, max_axes> sizes;
};

/// The steps of a row-major tensor of shape `from` along the axes of `full`, to which it broadcasts.
void find_steps(const Shape& from, const Shape& full, Steps& steps);

/// The axes of `full` without those of size 1, neighbours merged where every leaf's steps allow it.
Loop merge_axes(const Shape& full, Steps* const* steps, std::size_t leaves);

/// An expression's leaves in a pass over `full`; beyond them, optionally, one more tensor.
template <class T, std::size_t N> struct Leaves {
  std::array<Leaf<T>, N> leaf;
  Loop loop;

  template <class E> explicit Leaves(const E& e, const Shape& full) {
    add_all(e, full);
    merge(full);
  }
  template <class E> Leaves(const E& e, const Shape& full, const T* data, const Shape& shape) {
    add_all(e, full);
    leaf[N - 1] = {data, data, {}, false, {}};
    find_steps(shape, full, leaf[N - 1].steps);
    merge(full);
  }

  std::size_t inner() const { return loop.rank - 1; }
  void move(std::size_t axis, std::ptrdiff_t count) {
    for (Leaf<T>& l : leaf) l.position += count * l.steps[axis];
  }
  template <std::size_t M> Runs<T, M> runs() {
    Runs<T, M> all;
    for (std::size_t k = 0; k < M; ++k) all[k] = leaf[k].run(inner());
    return all;
  }

 private:
  template <class E> void add_all(const E& e, const Shape& full) {
    std::size_t k = 0;
    all_leaves<T>(e, [&](const auto& given) {
      Leaf<T>& l = leaf[k++];
      l.position = given.data();
      l.end = l.position + element_count(given.shape());
      l.permuted = IsPermuted<std::decay_t<decltype(given)>>::value;
      if constexpr (IsPermuted<std::decay_t<decltype(given)>>::value)
        l.steps = given.step;
      else
        find_steps(given.shape(), full, l.steps);
      return true;
    });
  }
  void merge(const Shape& full) {
    std::array<Steps*, N> steps;
    for (std::size_t k = 0; k < N; ++k) steps[k] = &leaf[k].steps;
    loop = merge_axes(full, steps.data(), N);
  }
};

/// A walk over some axes of a pass, the last one fastest.
class Odometer {
 public:
  void add(std::size_t axis, std::size_t size) {
    axes_[rank_] = {axis, size, 0};
    ++rank_;
    size_ *= size;
  }
  std::size_t size() const { return size_; }

  /// To the n-th position.
  template <class L> void seek(std::size_t n, L& leaves) {
    for (std::size_t k = rank_; k-- > 0;) {
      auto& [axis, size, index] = axes_[k];
      const std::size_t wanted = n % size;
      n /= size;
      leaves.move(axis, static_cast<std::ptrdiff_t>(wanted) - static_cast<std::ptrdiff_t>(index));
      index = wanted;
    }
  }
  /// To the next position; from the last to the first.
  template <class L> void next(L& leaves) {
    for (std::size_t k = rank_; k-- > 0;) {
      auto& [axis, size, index] = axes_[k];
      leaves.move(axis, index + 1 < size ? 1 : -static_cast<std::ptrdiff_t>(index));
      index = index + 1 < size ? index + 1 : 0;
      if (index != 0) return;
    }
  }

 private:
  struct Axis {
    std::size_t axis, size, index;
  };
  std::size_t rank_ = 0, size_ = 1;
  std::array<Axis, max_axes> axes_;
};

}  // namespace strata::detail
