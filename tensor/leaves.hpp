// How an expression is read: its leaves, seen from the axes of a destination, and its value, a SIMD batch at
// a time. What tensor/expression.hpp and tensor/reduction.hpp are made of.
#pragma once

#include <array>
#include <tuple>
#include <type_traits>
#include <utility>

#include "strata/tensor/tensor.hpp"

namespace strata {

template <class T> struct Permuted;  // in tensor/expression.hpp

namespace detail {

template <class T> using Batch = xsimd::batch<T>;

/// The most axes of an expression.
inline constexpr std::size_t max_axes = 8;
using Steps = std::array<std::ptrdiff_t, max_axes>;

// What an expression may consist of: functions, numbers, tensors in row-major order, permuted tensors.
template <class E> struct is_permuted : std::false_type {};
template <class T> struct is_permuted<Permuted<T>> : std::true_type {};
template <class E> struct is_scalar : std::is_arithmetic<E> {};
template <class CT> struct is_scalar<xt::xscalar<CT>> : std::true_type {};
template <class E> struct is_container : is_permuted<E> {};
template <class S, class C, class G>
struct is_container<xt::xarray_container<S, xt::layout_type::row_major, C, G>> : std::true_type {};
template <class S, class C, class G>
struct is_container<xt::xarray_adaptor<S, xt::layout_type::row_major, C, G>> : std::true_type {};

/// Whether an expression is read here (others are left to xtensor), and the number of its leaves.
template <class E, class T> struct Reading {
  static constexpr bool leaf = is_container<E>::value;
  static constexpr bool possible = [] {
    if constexpr (leaf)
      return std::is_same_v<std::remove_const_t<typename E::value_type>, T>;
    else
      return is_scalar<E>::value;
  }();
  static constexpr std::size_t leaves = leaf ? 1 : 0;
};
template <class F, class... A, class T> struct Reading<xt::xfunction<F, A...>, T> {
  static constexpr bool leaf = false;
  static constexpr bool possible = (Reading<std::decay_t<A>, T>::possible && ...);
  static constexpr std::size_t leaves = (Reading<std::decay_t<A>, T>::leaves + ... + 0);
};

template <class E, class T>
concept Readable = Reading<std::remove_cvref_t<E>, T>::possible;

/// Calls f(leaf) for the leaves of an expression, in order, while it returns true.
template <class T, class E, class F> bool all_leaves(const E& e, F&& f) {
  if constexpr (Reading<E, T>::leaf)
    return f(e);
  else if constexpr (is_scalar<E>::value)
    return true;
  else
    return std::apply([&](const auto&... a) { return (all_leaves<T>(a, f) && ...); }, e.arguments());
}

/// `shape` becomes what it and `other` broadcast to; false if they do not.
bool join(Shape& shape, const Shape& other);

/// Whether a tensor of shape `from` broadcasts to `to`.
bool broadcasts(const Shape& from, const Shape& to);

/// Equality of two shapes; a plain loop, since std::equal would call memcmp for two numbers.
inline bool same(const Shape& a, const Shape& b) {
  bool equal = a.size() == b.size();
  for (std::size_t axis = 0; equal && axis < a.size(); ++axis) equal = a[axis] == b[axis];
  return equal;
}

/// Sets `shape` to the expression's; false if its leaves do not broadcast.
template <class T, class E> bool find_shape(const E& e, Shape& shape) {
  shape.resize(0);
  return all_leaves<T>(e, [&](const auto& leaf) { return join(shape, leaf.shape()); });
}

/// Whether every leaf has exactly this shape, so that element i of each is the i-th in memory.
template <class T, class E> bool is_flat(const E& e, const Shape& shape) {
  return Reading<E, T>::leaves > 0 && all_leaves<T>(e, [&](const auto& leaf) {
           return !is_permuted<std::decay_t<decltype(leaf)>>::value && same(leaf.shape(), shape);
         });
}

struct Whole {};  // in place of a count: all lanes of a batch

/// The first `count` ≥ 1 elements as a batch.
template <class T> Batch<T> load_part(const T* from, std::size_t count) {
  if (count == 1) return Batch<T>(*from);
  alignas(Batch<T>) T lanes[Batch<T>::size];
  Batch<T>(*from).store_aligned(lanes);
  for (std::size_t l = 1; l < count; ++l) lanes[l] = from[l];
  return Batch<T>::load_aligned(lanes);
}

/// A leaf along the innermost axis: element i is data[i & mask], of which a mask of 0 makes one number in all
/// lanes; or, permuted, data[i * mask]. Up to `end` its memory may be read.
template <class T> struct Run {
  const T* data;
  std::size_t mask;
  const T* end;

  Batch<T> read(std::size_t i, Whole) const { return Batch<T>::load_unaligned(data + (i & mask)); }
  Batch<T> read(std::size_t i, std::size_t count) const {
    const bool readable = static_cast<std::ptrdiff_t>(Batch<T>::size) <= end - (data + (i & mask));
    return readable ? read(i, Whole()) : load_part(data + i, count);  // the lanes beyond `count` mean nothing
  }
  Batch<T> gather(std::size_t i, Whole) const { return gather(i, Batch<T>::size); }
  Batch<T> gather(std::size_t i, std::size_t count) const {
    alignas(Batch<T>) T lanes[Batch<T>::size] = {};
    for (std::size_t l = 0; l < count; ++l) lanes[l] = data[(i + l) * mask];
    return Batch<T>::load_aligned(lanes);
  }
};
template <class T, std::size_t N> using Runs = std::array<Run<T>, N>;

/// A function without SIMD form, lane by lane.
template <class T, class F, class... B> Batch<T> each_lane(const F& f, const B&... batches) {
  constexpr std::size_t size = Batch<T>::size;
  alignas(Batch<T>) T lanes[sizeof...(B) + 1][size];
  std::size_t k = 0;
  (batches.store_aligned(lanes[k++]), ...);
  for (std::size_t l = 0; l < size; ++l) lanes[k][l] = [&]<std::size_t... I>(std::index_sequence<I...>) {
      return static_cast<T>(f(lanes[I][l]...));
    }
  (std::index_sequence_for<B...>());
  return Batch<T>::load_aligned(lanes[k]);
}

template <class T, class... A>
constexpr std::size_t leaves_before(std::type_identity<std::tuple<A...>>, std::size_t argument) {
  const std::size_t leaves[] = {Reading<std::decay_t<A>, T>::leaves..., 0};
  std::size_t sum = 0;
  for (std::size_t a = 0; a < argument; ++a) sum += leaves[a];
  return sum;
}

template <class T, class F, class... B>
[[gnu::always_inline]] inline auto call(const F& f, const B&... batches) {
  if constexpr (requires { f.simd_apply(batches...); })
    return f.simd_apply(batches...);
  else
    return each_lane<T>(f, batches...);
}

/// The expression's elements i, i + 1, ... of a run, `first` being its first leaf's place among all.
template <class T, std::size_t first, class E, std::size_t N, class Count>
[[gnu::always_inline]] inline auto read(const E& e, const Runs<T, N>& runs, std::size_t i, Count count) {
  if constexpr (is_permuted<E>::value) {
    return runs[first].gather(i, count);
  } else if constexpr (Reading<E, T>::leaf) {
    return runs[first].read(i, count);
  } else if constexpr (is_scalar<E>::value) {
    return Batch<T>(static_cast<T>(e()));
  } else {
    using Arguments = std::type_identity<std::decay_t<decltype(e.arguments())>>;
    return [&]<std::size_t... A>(std::index_sequence<A...>) __attribute__((always_inline)) {
      return call<T>(e.functor(), read<T, first + leaves_before<T>(Arguments(), A)>(
                                      std::get<A>(e.arguments()), runs, i, count)...);
    }
    (std::make_index_sequence<std::tuple_size_v<typename Arguments::type>>());
  }
}

/// The last elements of a run, `count` of them, evaluated by the function that evaluates whole batches: an
/// element's value does not depend on its place.
template <class T, class E, std::size_t N>
[[gnu::noinline]] Batch<T> read_tail(const E& e, const Runs<T, N>& runs, std::size_t i, std::size_t count) {
  return read<T, 0>(e, runs, i, count);
}

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
      l.permuted = is_permuted<std::decay_t<decltype(given)>>::value;
      if constexpr (is_permuted<std::decay_t<decltype(given)>>::value)
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

}  // namespace detail
}  // namespace strata
