// Lazy expressions written into buffers: one vectorised pass each, threaded where large, without temporaries.
#pragma once

#include <algorithm>
#include <type_traits>

#include "tensor/parallel.hpp"
#include "tensor/tensor.hpp"

namespace strata {

/// How a result meets what its destination holds: overwritten, or added to.
enum class Update { assign, add };

namespace detail {

using Strides = Tensor<float>::strides_type;

/// From this many elements on, a loop is worth a second thread.
inline constexpr std::size_t parallel_elements = 16384;

template <class B, std::size_t> using Repeat = B;

/// Calls one generic lambda with scalars and with SIMD batches; one index for each argument.
template <class F, std::size_t... I> struct ScalarAndBatch {
  F f;
  template <class... X> auto operator()(const X&... x) const { return f(x...); }
  template <class B> auto simd_apply(const Repeat<B, I>&... b) const { return f(b...); }
};

template <class F, std::size_t... I, class... E>
auto lazy(F f, std::index_sequence<I...>, const E&... arguments) {
  using Function = ScalarAndBatch<F, I...>;
  return xt::xfunction<Function, xt::const_xclosure_t<const E&>...>(Function{std::move(f)}, arguments...);
}

/// Whether an expression can be read in memory order at all: functions of tensors can, reductions cannot.
template <class E>
concept has_elements_in_order = requires(const E& e, const Strides& strides) {
  e.data_element(0);
  e.has_linear_assign(strides);
};

/// Whether the expression's i-th element in memory order is that of a tensor of its shape with these strides:
/// no leaf is broadcast or viewed.
template <class E> bool is_elementwise(const E& expression, const Strides& strides) {
  if constexpr (has_elements_in_order<E>)
    return expression.has_linear_assign(strides);
  else
    return false;
}

/// The strides of a Tensor of this shape.
Strides row_major_strides(const Shape& shape);

template <Update update, class T, class E> void write_elements(T* destination, const E& expression,
                                                               std::size_t begin, std::size_t end,
                                                               std::size_t offset = 0) {
  std::size_t i = begin;
  if constexpr (xt::has_simd_interface<E, T>::value) {
    using Batch = xsimd::batch<T>;
    for (; i + Batch::size <= end; i += Batch::size) {
      Batch value = expression.template load_simd<xsimd::unaligned_mode, T>(offset + i);
      if constexpr (update == Update::add) value += Batch::load_unaligned(destination + i);
      value.store_unaligned(destination + i);
    }
  }
  for (; i < end; ++i) {
    const T value = static_cast<T>(expression.data_element(offset + i));
    destination[i] = update == Update::add ? destination[i] + value : value;
  }
}

template <class T, class E> T sum_elements(const E& expression, std::size_t begin, std::size_t end) {
  std::size_t i = begin;
  T total = 0;
  if constexpr (xt::has_simd_interface<E, T>::value) {
    using Batch = xsimd::batch<T>;
    if (end - begin >= Batch::size) {
      Batch sum(T(0));
      for (; i + Batch::size <= end; i += Batch::size)
        sum += expression.template load_simd<xsimd::unaligned_mode, T>(i);
      alignas(Batch) T lanes[Batch::size];
      sum.store_aligned(lanes);
      for (const T lane : lanes) total += lane;
    }
  }
  for (; i < end; ++i) total += static_cast<T>(expression.data_element(i));
  return total;
}

/// One axis of a reduction: its size, its step in the summed expression, its step in the result (0: summed
/// over).
struct SumAxis {
  std::size_t size, step, result_step;
};

/// The axes of `full` seen from a result that broadcasts to it, outermost first; neighbours merged where
/// possible.
xt::svector<SumAxis, 4> sum_axes(const Shape& full, const Shape& result);

template <class T, class E>
void add_sums(T* result, const E& expression, const SumAxis* axis, const SumAxis* last, std::size_t offset) {
  if (axis != last) {
    for (std::size_t i = 0; i < axis->size; ++i)
      add_sums(result + i * axis->result_step, expression, axis + 1, last, offset + i * axis->step);
  } else if (axis->result_step == 0) {
    *result += sum_elements<T>(expression, offset, offset + axis->size);
  } else {
    write_elements<Update::add>(result, expression, 0, axis->size, offset);
  }
}

}  // namespace detail

/// condition ? a : b, for the scalars and, as xsimd::select, for the SIMD batches of `map`.
template <class T>
requires std::is_floating_point_v<T> T select(bool condition, T a, T b) { return condition ? a : b; }

/// The lazy elementwise function f(a, b, ...) of tensors or expressions, in one vectorised pass. `f` is a
/// generic lambda called with scalars and with SIMD batches: use `select` and xsimd's functions (xsimd::exp,
/// ...), which take both.
template <class F, class... E> auto map(F f, const E&... arguments) {
  return detail::lazy(std::move(f), std::index_sequence_for<E...>(), arguments...);
}

/// destination = expression, or += , in one vectorised pass, threaded where large. The expression has the
/// destination's shape and reads its leaves without broadcasting (`detail::is_elementwise`).
template <Update update = Update::assign, class T, class E>
void write_elementwise(Tensor<T>& destination, const E& expression) {
  parallel_for(destination.size(), detail::parallel_elements, [&](std::size_t begin, std::size_t end) {
    detail::write_elements<update>(destination.data(), expression, begin, end);
  });
}

/// destination = expression, which has the destination's shape and may broadcast its leaves.
template <class T, class E> void write(Tensor<T>& destination, const E& expression) {
  if constexpr (detail::has_elements_in_order<E>)
    if (detail::is_elementwise(expression, destination.strides()))
      return write_elementwise(destination, expression);
  xt::noalias(destination) = expression;
}

/// destination_ij = s_i e_ij, or += : each row of an expression of the destination's shape, which reads its
/// leaves without broadcasting, times a number of its own.
template <Update update = Update::assign, class T, class E>
void write_rows(Tensor<T>& destination, const Tensor<T>& s, const E& expression) {
  const std::size_t rows = s.size(), columns = rows == 0 ? 0 : destination.size() / rows;
  const std::size_t grain = detail::parallel_elements / std::max<std::size_t>(columns, 1);
  parallel_for(
      rows, grain,
      [&](std::size_t begin, std::size_t end) {
        for (std::size_t row = begin; row < end; ++row)
          detail::write_elements<update>(destination.data() + row * columns, s.data()[row] * expression, 0,
                                         columns, row * columns);
      },
      1);
}

/// result (+)= Σ expression over the axes along which `result`, as it is shaped, broadcasts to `full`, the
/// expression's shape.
template <Update update = Update::assign, class T, class E>
void write_sum(Tensor<T>& result, const E& expression, const Shape& full) {
  if constexpr (update == Update::assign) std::fill(result.begin(), result.end(), T(0));
  const std::size_t work = element_count(full);
  if (work == 0) return;
  if (!detail::is_elementwise(expression, detail::row_major_strides(full))) {
    const Tensor<T> evaluated = expression;
    return write_sum<Update::add>(result, evaluated, full);
  }
  auto axes = detail::sum_axes(full, result.shape());
  const bool rows = axes.size() > 1 && axes[0].result_step != 0;  // each thread owns some outermost rows
  const bool columns = axes.size() == 2 && !rows;                 // each thread owns some columns
  if (rows || columns) {
    const std::size_t split = rows ? 0 : 1;
    const std::size_t grain = std::max<std::size_t>(1, detail::parallel_elements * axes[split].size / work);
    parallel_for(
        axes[split].size, grain,
        [&](std::size_t begin, std::size_t end) {
          auto mine = axes;
          mine[split].size = end - begin;
          detail::add_sums(result.data() + begin * mine[split].result_step, expression, &mine.front(),
                           &mine.back(), begin * mine[split].step);
        },
        rows ? 1 : 64);
  } else {
    detail::add_sums(result.data(), expression, &axes.front(), &axes.back(), 0);
  }
}

}  // namespace strata
