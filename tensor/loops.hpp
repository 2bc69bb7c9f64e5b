// A pass over the elements of an expression: its leaves, seen from the axes of a destination.
#pragma once

#include "strata/tensor/leaves.hpp"

namespace strata::detail {

/// The most axes of an expression.
inline constexpr std::size_t max_axes = 8;
using Steps = std::array<std::ptrdiff_t, max_axes>;

/// One leaf as a pass sees it: where it stands, how far its next element lies along each axis (0 where it is
/// broadcast), and room for a number in all lanes, or for the end of a run.
template <class T> struct Leaf {
  static constexpr std::size_t lanes = Batch<T>::size;

  const T *position, *end;
  Steps steps;
  bool permuted;
  const T* copied = nullptr;  // the run whose end is in `room`: a row has the same one throughout
  alignas(Batch<T>) T room[2 * lanes] = {};

  /// From where it stands, `size` elements along an axis.
  Run<T> run(std::size_t axis, std::size_t size) {
    if (permuted) return {position, static_cast<std::size_t>(steps[axis]), end};
    if (steps[axis] == 0) {
      Batch<T>(*position).store_aligned(room);
      return {room, 0, room + lanes};
    }
    if (static_cast<std::size_t>(end - position) >= size + lanes) return {position, ~std::size_t{0}, end};
    const std::size_t begin = size - std::min(size, lanes);
    if (copied != position) std::copy(position + begin, position + size, room);
    copied = position;
    return {position, ~std::size_t{0}, end, room, begin};
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
    leaf[N - 1].position = leaf[N - 1].end = data;
    leaf[N - 1].permuted = false;
    find_steps(shape, full, leaf[N - 1].steps);
    merge(full);
  }

  std::size_t inner() const { return loop.rank - 1; }
  void move(std::size_t axis, std::ptrdiff_t count) {
    for (Leaf<T>& l : leaf) l.position += count * l.steps[axis];
  }
  template <std::size_t M> Runs<T, M> runs() {
    Runs<T, M> all;
    for (std::size_t k = 0; k < M; ++k) all[k] = leaf[k].run(inner(), loop.sizes[inner()]);
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
