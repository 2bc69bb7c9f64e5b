// How an expression is read: which leaves it has, and its value along a run of elements, a SIMD batch at a
// time.
#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <tuple>
#include <type_traits>
#include <utility>

#include "strata/tensor/tensor.hpp"

namespace strata {

template <class T> struct Permuted;  // in tensor/expression.hpp

namespace detail {

template <class T> using Batch = xsimd::batch<T>;

// What an expression may consist of: functions, numbers, tensors in row-major order, permuted tensors.
template <class E> struct IsPermuted : std::false_type {};
template <class T> struct IsPermuted<Permuted<T>> : std::true_type {};
template <class E> struct IsScalar : std::is_arithmetic<E> {};
template <class CT> struct IsScalar<xt::xscalar<CT>> : std::true_type {};
template <class E> struct IsContainer : IsPermuted<E> {};
template <class S, class C, class G>
struct IsContainer<xt::xarray_container<S, xt::layout_type::row_major, C, G>> : std::true_type {};
template <class S, class C, class G>
struct IsContainer<xt::xarray_adaptor<S, xt::layout_type::row_major, C, G>> : std::true_type {};

/// Whether an expression is read here (others are left to xtensor), and the number of its leaves.
template <class E, class T> struct Reading {
  static constexpr bool leaf = IsContainer<E>::value;
  static constexpr bool possible = [] {
    if constexpr (leaf)
      return std::is_same_v<std::remove_const_t<typename E::value_type>, T>;
    else
      return IsScalar<E>::value;
  }();
  static constexpr std::size_t leaves = leaf ? 1 : 0;
  static constexpr bool permuted = IsPermuted<E>::value;
};
template <class F, class... A, class T> struct Reading<xt::xfunction<F, A...>, T> {
  static constexpr bool leaf = false;
  static constexpr bool possible = (Reading<std::decay_t<A>, T>::possible && ...);
  static constexpr std::size_t leaves = (Reading<std::decay_t<A>, T>::leaves + ... + 0);
  static constexpr bool permuted = (Reading<std::decay_t<A>, T>::permuted || ...);
};

template <class E, class T>
concept Readable = Reading<std::remove_cvref_t<E>, T>::possible;

/// Calls f(leaf) for the leaves of an expression, in order, while it returns true.
template <class T, class E, class F> bool all_leaves(const E& e, F&& f) {
  if constexpr (Reading<E, T>::leaf)
    return f(e);
  else if constexpr (IsScalar<E>::value)
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
           return !IsPermuted<std::decay_t<decltype(leaf)>>::value && same(leaf.shape(), shape);
         });
}

struct Whole {};  // in place of a count: all lanes of a batch

/// The first `count` elements, at least one and not all, as a batch: copied by halves of known sizes.
template <class T> [[gnu::noinline]] Batch<T> load_part(const T* from, std::size_t count) {
  alignas(Batch<T>) T lanes[Batch<T>::size];
  Batch<T>(*from).store_aligned(lanes);
  T* to = lanes;
  for (std::size_t half = Batch<T>::size / 2; half > 0; half /= 2)
    if (count & half) {
      std::memcpy(to, from, half * sizeof(T));
      to += half;
      from += half;
    }
  return Batch<T>::load_aligned(lanes);
}

/// A leaf along the innermost axis: element i is data[i & mask], of which a mask of 0 makes one number in all
/// lanes; or, permuted, data[i * mask]. Up to `end` its memory may be read; where that is too near, elements
/// from `tail_begin` on stand in `tail`, too, with room behind them.
template <class T> struct Run {
  const T* data;
  std::size_t mask;
  const T* end;
  const T* tail = nullptr;
  std::size_t tail_begin = 0;

  [[gnu::always_inline]] Batch<T> read(std::size_t i, Whole) const {
    return Batch<T>::load_unaligned(data + (i & mask));
  }
  [[gnu::always_inline]] Batch<T> read(std::size_t i, std::size_t count) const {
    if (static_cast<std::ptrdiff_t>(Batch<T>::size) <= end - (data + (i & mask))) return read(i, Whole());
    if (tail != nullptr) return Batch<T>::load_unaligned(tail + (i - tail_begin));
    return load_part(data + i, count);  // the lanes beyond `count` mean nothing
  }
  Batch<T> gather(std::size_t i, Whole) const { return gather(i, Batch<T>::size); }
  Batch<T> gather(std::size_t i, std::size_t count) const {
    alignas(Batch<T>) T lanes[Batch<T>::size] = {};
    for (std::size_t l = 0; l < count; ++l) lanes[l] = data[(i + l) * mask];
    return Batch<T>::load_aligned(lanes);
  }
};
template <class T, std::size_t N> using Runs = std::array<Run<T>, N>;

template <class T> struct alignas(Batch<T>) Lanes { T at[Batch<T>::size]; };

/// A function without SIMD form, lane by lane.
template <class T, class F, std::size_t... I>
Batch<T> each_lane(const F& f, const Lanes<T>* x, std::index_sequence<I...>) {
  Lanes<T> y;
  for (std::size_t l = 0; l < Batch<T>::size; ++l) y.at[l] = static_cast<T>(f(x[I].at[l]...));
  return Batch<T>::load_aligned(y.at);
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
  if constexpr (requires { f.simd_apply(batches...); }) {
    return f.simd_apply(batches...);
  } else {
    Lanes<T> x[sizeof...(B)];
    std::size_t k = 0;
    (batches.store_aligned(x[k++].at), ...);
    return each_lane<T>(f, x, std::index_sequence_for<B...>());
  }
}

template <class T, std::size_t first, class E, std::size_t N, class Count>
auto read(const E& e, const Runs<T, N>& runs, std::size_t i, Count count);

template <class T, std::size_t first, class E, std::size_t N, class Count, std::size_t... A>
[[gnu::always_inline]] inline auto read_function(const E& e, const Runs<T, N>& runs, std::size_t i,
                                                 Count count, std::index_sequence<A...>) {
  using Arguments = std::type_identity<std::decay_t<decltype(e.arguments())>>;
  return call<T>(e.functor(), read<T, first + leaves_before<T>(Arguments(), A)>(std::get<A>(e.arguments()),
                                                                                runs, i, count)...);
}

/// The expression's elements i, i + 1, ... of a run, `first` being its first leaf's place among all.
template <class T, std::size_t first, class E, std::size_t N, class Count>
[[gnu::always_inline]] inline auto read(const E& e, const Runs<T, N>& runs, std::size_t i, Count count) {
  if constexpr (IsPermuted<E>::value)
    return runs[first].gather(i, count);
  else if constexpr (Reading<E, T>::leaf)
    return runs[first].read(i, count);
  else if constexpr (IsScalar<E>::value)
    return Batch<T>(static_cast<T>(e()));
  else
    return read_function<T, first>(
        e, runs, i, count,
        std::make_index_sequence<std::tuple_size_v<std::decay_t<decltype(e.arguments())>>>());
}

/// The last elements of a run, `count` of them, evaluated by the function that evaluates whole batches: an
/// element's value does not depend on its place.
template <class T, class E, std::size_t N>
[[gnu::noinline]] Batch<T> read_tail(const E& e, const Runs<T, N>& runs, std::size_t i, std::size_t count) {
  return read<T, 0>(e, runs, i, count);
}

}  // namespace detail
}  // namespace strata
