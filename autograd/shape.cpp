#include "autograd/shape.hpp"

#include <algorithm>
#include <numeric>

#include "autograd/axes.hpp"

namespace strata {

using detail::axis_view;
using detail::reshaped;
using detail::resolve_axis;

namespace {

// The shape that `given` means for this many elements: −1 stands for what the other sizes leave.
Shape resolve_shape(const Shape& from, const Axes& given) {
  Shape shape(given.size());
  std::size_t known = 1, unknown = 0;
  for (std::size_t axis = 0; axis < given.size(); ++axis) {
    if (given[axis] < -1) fail("reshape", "size " + std::to_string(given[axis]) + " is negative");
    unknown += given[axis] == -1;
    shape[axis] = given[axis] == -1 ? 1 : static_cast<std::size_t>(given[axis]);
    known *= shape[axis];
  }
  const std::size_t count = element_count(from);
  if (unknown == 1 && known > 0 && count % known == 0)
    *(shape.begin() + (std::find(given.begin(), given.end(), -1) - given.begin())) = count / known;
  if (unknown > 1 || element_count(shape) != count)
    fail("reshape", to_string(from) + " has " + std::to_string(count) + " elements, the new shape " +
                        to_string(shape) + (unknown > 0 ? " with -1 as 1" : "") + " does not fit them");
  return shape;
}

// Copies or adds `rows` runs of `count` elements, whose starts lie `from_step` and `to_step` apart.
template <class T> void copy_runs(const T* from, std::size_t from_step, T* to, std::size_t to_step,
                                  std::size_t rows, std::size_t count, T beta) {
  for (std::size_t row = 0; row < rows; ++row)
    for (std::size_t i = 0; i < count; ++i) {
      T& target = to[row * to_step + i];
      const T value = from[row * from_step + i];
      target = beta == T(0) ? value : target + value;
    }
}

}  // namespace

// y = x        x̄ += ȳ
template <class T> Var<T> reshape(Var<T> x, const Axes& shape) {
  const auto fill = [x](Tensor<T>& y) { std::copy_n(x.value().data(), x.value().size(), y.data()); };
  return record("reshape", {x}, resolve_shape(x.shape(), shape), fill,
                [x](Var<T> y) { x.accumulate(reshaped(y.grad(), x.shape())); });
}

template <class T> Var<T> transpose(Var<T> x) {
  Axes axes(x.shape().size());
  std::iota(axes.rbegin(), axes.rend(), 0);
  return strata::transpose(x, axes);
}

// y = x with its axes permuted        x̄ += ȳ with its axes permuted back
template <class T> Var<T> transpose(Var<T> x, const Axes& axes) {
  const std::size_t rank = x.shape().size();
  Axes order(axes.size()), inverse(rank, -1);
  Shape shape(rank);
  if (axes.size() != rank)
    fail("transpose",
         std::to_string(axes.size()) + " axes are given for a tensor of shape " + to_string(x.shape()));
  for (std::size_t k = 0; k < rank; ++k) {
    const std::size_t axis = resolve_axis("transpose", x.shape(), axes[k]);
    if (inverse[axis] != -1) fail("transpose", "axis " + std::to_string(axes[k]) + " is named twice");
    order[k] = static_cast<std::ptrdiff_t>(axis);
    inverse[axis] = static_cast<std::ptrdiff_t>(k);
    shape[k] = x.shape()[axis];
  }
  const auto fill = [&](Tensor<T>& y) { write(y, xt::transpose(x.value(), order)); };
  return record("transpose", {x}, shape, fill,
                [x, inverse](Var<T> y) { x.accumulate(xt::transpose(y.grad(), inverse)); });
}

// y = (x_1, x_2, ...)        x̄_k += its part of ȳ
template <class T> Var<T> concatenate(const std::vector<Var<T>>& inputs, std::ptrdiff_t axis) {
  if (inputs.empty()) fail("concatenate", "there is nothing to concatenate");
  const std::size_t along = resolve_axis("concatenate", inputs.front().shape(), axis);
  Shape shape = inputs.front().shape();
  shape[along] = 0;
  for (const Var<T> input : inputs) {
    Shape expected = shape, found = input.shape();
    if (found.size() == shape.size()) expected[along] = found[along];
    if (found != expected)
      fail("concatenate", "shapes differ beside axis " + std::to_string(along) + ": " +
                              to_string(inputs.front().shape()) + ", " + to_string(found));
    shape[along] += found[along];
  }
  // Calls use(input, its elements in a run, their place in y's run, y's run, the number of runs) for every
  // input.
  const auto for_each_part = [inputs, along](const Shape& whole, auto&& use) {
    const auto [outer, size, inner] = axis_view(whole, along);
    std::size_t place = 0;
    for (const Var<T> input : inputs) {
      const std::size_t count = input.shape()[along] * inner;
      use(input, count, place, size * inner, outer);
      place += count;
    }
  };
  const auto fill = [&](Tensor<T>& y) {
    for_each_part(shape,
                  [&](Var<T> x, std::size_t count, std::size_t place, std::size_t run, std::size_t runs) {
                    copy_runs(x.value().data(), count, y.data() + place, run, runs, count, T(0));
                  });
  };
  return inputs.front().tape().record(
      "concatenate", std::span<const Var<T>>(inputs), shape, fill, [for_each_part](Var<T> y) {
        for_each_part(y.shape(),
                      [&](Var<T> x, std::size_t count, std::size_t place, std::size_t run, std::size_t runs) {
                        x.accumulate_with([&](Tensor<T>& gradient, T beta) {
                          copy_runs(y.grad().data() + place, run, gradient.data(), count, runs, count, beta);
                        });
                      });
      });
}

// y = x[..., begin:end, ...]        x̄[..., begin:end, ...] += ȳ
template <class T> Var<T> slice(Var<T> x, std::ptrdiff_t axis, std::size_t begin, std::size_t end) {
  const std::size_t along = resolve_axis("slice", x.shape(), axis);
  Shape shape = x.shape();
  if (begin > end || end > shape[along])
    fail("slice", std::to_string(begin) + " ... " + std::to_string(end) + " is no range of axis " +
                      std::to_string(along) + " of a tensor of shape " + to_string(shape));
  const auto [outer, size, inner] = axis_view(shape, along);
  const std::size_t run = size * inner, count = (end - begin) * inner, place = begin * inner, runs = outer;
  shape[along] = end - begin;
  const auto fill = [&](Tensor<T>& y) {
    copy_runs(x.value().data() + place, run, y.data(), count, runs, count, T(0));
  };
  return record("slice", {x}, shape, fill, [=](Var<T> y) {
    x.accumulate_with([&](Tensor<T>& gradient, T beta) {
      if (beta == T(0)) gradient.fill(T(0));
      copy_runs(y.grad().data(), count, gradient.data() + place, run, runs, count, T(1));
    });
  });
}

// y = x, repeated        x̄ += Σ ȳ over the repetitions
template <class T> Var<T> broadcast(Var<T> x, const Shape& shape) {
  if (!detail::broadcasts(x.shape(), shape))
    fail("broadcast", to_string(x.shape()) + " does not broadcast to " + to_string(shape));
  return record(
      "broadcast", {x}, shape, [&](Tensor<T>& y) { xt::noalias(y) = xt::broadcast(x.value(), shape); },
      [x](Var<T> y) { x.accumulate(y.grad()); });
}

// y_i = x_r(i)        x̄_r(i) += ȳ_i
template <class T> Var<T> gather_rows(Var<T> x, const std::vector<std::size_t>& rows) {
  Shape shape = x.shape();
  if (shape.size() == 0) fail("gather_rows", "a tensor of rank 0 has no rows");
  for (const std::size_t row : rows)
    if (row >= shape[0])
      fail("gather_rows",
           "row " + std::to_string(row) + " is out of range for a tensor of shape " + to_string(shape));
  shape[0] = rows.size();
  const std::size_t count = axis_view(x.shape(), 0).inner;
  const auto fill = [&](Tensor<T>& y) {
    for (std::size_t i = 0; i < rows.size(); ++i)
      std::copy_n(x.value().data() + rows[i] * count, count, y.data() + i * count);
  };
  return record("gather_rows", {x}, shape, fill, [x, rows, count](Var<T> y) {
    x.accumulate_with([&](Tensor<T>& gradient, T beta) {
      if (beta == T(0)) gradient.fill(T(0));
      for (std::size_t i = 0; i < rows.size(); ++i)
        copy_runs(y.grad().data() + i * count, 0, gradient.data() + rows[i] * count, 0, 1, count, T(1));
    });
  });
}

// y_(i n + k) = x_i        x̄_i += Σ_k ȳ_(i n + k)
template <class T> Var<T> repeat_rows(Var<T> x, std::size_t times) {
  Shape shape = x.shape();
  if (shape.size() == 0 || times == 0)
    fail("repeat_rows",
         "cannot repeat the rows of " + to_string(shape) + " " + std::to_string(times) + " times");
  if (times == 1) return x;
  const std::size_t rows = shape[0], count = axis_view(shape, 0).inner;
  shape[0] *= times;
  const auto fill = [&](Tensor<T>& y) {
    for (std::size_t i = 0; i < rows; ++i)
      copy_runs(x.value().data() + i * count, 0, y.data() + i * times * count, count, times, count, T(0));
  };
  return record("repeat_rows", {x}, shape, fill, [x, rows, times, count](Var<T> y) {
    x.accumulate_with([&](Tensor<T>& gradient, T beta) {
      if (beta == T(0)) gradient.fill(T(0));
      for (std::size_t i = 0; i < rows; ++i)
        copy_runs(y.grad().data() + i * times * count, count, gradient.data() + i * count, 0, times, count,
                  T(1));
    });
  });
}

#define STRATA_INSTANTIATE(T)                                              \
  template Var<T> reshape(Var<T>, const Axes&);                            \
  template Var<T> transpose(Var<T>);                                       \
  template Var<T> transpose(Var<T>, const Axes&);                          \
  template Var<T> concatenate(const std::vector<Var<T>>&, std::ptrdiff_t); \
  template Var<T> slice(Var<T>, std::ptrdiff_t, std::size_t, std::size_t); \
  template Var<T> broadcast(Var<T>, const Shape&);                         \
  template Var<T> gather_rows(Var<T>, const std::vector<std::size_t>&);    \
  template Var<T> repeat_rows(Var<T>, std::size_t);
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)

}  // namespace strata
