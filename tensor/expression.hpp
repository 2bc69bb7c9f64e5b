// Lazy expressions written into tensors: one vectorised pass each, threaded where large, without temporaries.
//
// An expression is an xtensor function (x + y, xt::exp(x), map(f, x, y), ...) of tensors, numbers and
// `column`s. Its leaves broadcast to the destination's shape as NumPy's do, at the price of none: a row (D)
// stands for a matrix (B, D) as it is, a column (B) as `column(s)`.
#pragma once

#include <algorithm>
#include <concepts>

#include "strata/tensor/loops.hpp"
#include "strata/tensor/parallel.hpp"

namespace strata {

/// How a result meets what its destination holds: overwritten, or added to.
enum class Update { assign, add };

/// condition ? a : b, for the scalars and, as xsimd::select, for the SIMD batches of `map`.
template <std::floating_point T> T select(bool condition, T a, T b) { return condition ? a : b; }

/// A tensor with its axes permuted, as an expression: made by `permuted`.
template <class T> struct Permuted {
  using value_type = T;
  const T* elements;
  Shape size;          // of the permuted axes
  detail::Steps step;  // along them, in the tensor

  const T* data() const { return elements; }
  const Shape& shape() const { return size; }
};

namespace detail {

/// From this many elements on, a loop is worth a second thread.
inline constexpr std::size_t parallel_elements = 16384;

/// One generic lambda for scalars and for SIMD batches.
template <class F> struct ScalarAndBatch {
  F f;
  template <class... X> auto operator()(const X&... x) const { return f(x...); }
  template <class... B> auto simd_apply(const B&... b) const { return f(b...); }
};

template <Update update, class T, class E, std::size_t N>
void write_run(T* destination, const E& e, const Runs<T, N>& runs, std::size_t begin, std::size_t end) {
  std::size_t i = begin;
  for (; i + Batch<T>::size <= end; i += Batch<T>::size) {
    Batch<T> value = read<T, 0>(e, runs, i, Whole());
    if constexpr (update == Update::add) value += Batch<T>::load_unaligned(destination + i);
    value.store_unaligned(destination + i);
  }
  if (i == end) return;
  alignas(Batch<T>) T lanes[Batch<T>::size];
  read_tail<T>(e, runs, i, end - i).store_aligned(lanes);
  for (std::size_t l = 0; i < end; ++i, ++l)
    destination[i] = update == Update::add ? destination[i] + lanes[l] : lanes[l];
}

// Every leaf has the destination's shape: one run.
template <Update update, class T, class E> void write_flat(Tensor<T>& destination, const E& e) {
  Runs<T, Reading<E, T>::leaves> runs;
  std::size_t k = 0;
  all_leaves<T>(e, [&](const auto& leaf) {
    runs[k++] = {leaf.data(), ~std::size_t{0}, leaf.data() + destination.size()};
    return true;
  });
  parallel_for(destination.size(), parallel_elements, [&](std::size_t begin, std::size_t end) {
    write_run<update>(destination.data(), e, runs, begin, end);
  });
}

// The leaves broadcast: a run for each position on the outer axes.
template <Update update, class T, class E> void write_broadcast(Tensor<T>& destination, const E& e) {
  constexpr std::size_t leaf_count = Reading<E, T>::leaves;
  const Leaves<T, leaf_count> leaves(e, destination.shape());
  parallel_for(destination.size(), parallel_elements, [&](std::size_t begin, std::size_t end) {
    auto mine = leaves;
    Odometer outer;
    for (std::size_t axis = 0; axis < mine.inner(); ++axis) outer.add(axis, mine.loop.sizes[axis]);
    const std::size_t inner = mine.loop.sizes[mine.inner()];
    outer.seek(begin / inner, mine);
    for (std::size_t start = begin / inner * inner; start < end; start += inner, outer.next(mine))
      write_run<update>(destination.data() + start, e, mine.template runs<leaf_count>(),
                        std::max(start, begin) - start, std::min(start + inner, end) - start);
  });
}

}  // namespace detail

/// The lazy elementwise function f(a, b, ...) of tensors or expressions, in one vectorised pass. `f` is a
/// generic lambda called with scalars and with SIMD batches: use `select` and xsimd's functions (xsimd::exp,
/// ...), which take both.
template <class F, class... E> auto map(F f, E&&... arguments) {
  using Function = detail::ScalarAndBatch<F>;
  return xt::xfunction<Function, xt::const_xclosure_t<E>...>(Function{std::move(f)},
                                                             std::forward<E>(arguments)...);
}

/// x's elements under another shape of as many elements, without a copy. Valid while x is.
template <class T> auto reshaped(const Tensor<T>& x, const Shape& shape) {
  return xt::adapt(x.data(), x.size(), xt::no_ownership(), shape);
}

/// s (B...) as (B..., 1), which broadcasts along the rows of a tensor (B..., D).
template <class T> auto column(const Tensor<T>& s) {
  Shape shape = s.shape();
  shape.push_back(1);
  return reshaped(s, shape);
}

/// The tensor x with its axes permuted, as an expression: axis k is x's axis order[k], all of them named
/// once.
template <class T, class Order> Permuted<T> permuted(const Tensor<T>& x, const Order& order) {
  detail::Steps of_x{};
  detail::find_steps(x.shape(), x.shape(), of_x);
  Permuted<T> result{x.data(), x.shape(), {}};
  for (std::size_t k = 0; k < order.size(); ++k) {
    const auto axis = static_cast<std::size_t>(order[k]);
    result.size[k] = x.shape()[axis];
    result.step[k] = of_x[axis];
  }
  return result;
}

/// destination = expression, or += , in one vectorised pass, threaded where large. The expression's shape is,
/// or broadcasts to, the destination's; an element's value does not depend on its place or the thread count.
template <Update update = Update::assign, class T, class E> void write(Tensor<T>& destination, const E& e) {
  if constexpr (detail::Readable<E, T>) {
    if (detail::is_flat<T>(e, destination.shape()))
      detail::write_flat<update>(destination, e);
    else if (destination.size() > 0)
      detail::write_broadcast<update>(destination, e);
  } else if constexpr (update == Update::assign) {
    xt::noalias(destination) = e;
  } else {
    xt::noalias(destination) += e;
  }
}

}  // namespace strata
