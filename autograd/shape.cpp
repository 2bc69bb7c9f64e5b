#include "strata/autograd/shape.hpp"

#include <algorithm>
#include <numeric>

namespace strata {

using detail::resolve_axis;

namespace {

// The shape that sizes mean for this many elements: −1 stands for what the others leave.
Shape resolve_sizes(const Shape& from, const Sizes& sizes) {
  Shape shape;
  std::size_t known = 1, unknown = 0;
  for (const std::ptrdiff_t size : sizes) {
    if (size < -1) fail("reshape", "size " + std::to_string(size) + " is negative");
    unknown += size == -1;
    shape.push_back(size == -1 ? 1 : static_cast<std::size_t>(size));
    known *= shape.back();
  }
  const std::size_t count = element_count(from);
  if (unknown == 1 && known == 0)
    fail("reshape", "the size -1 beside a size of 0 could be any: " + to_string(from) + " to " +
                        to_string(shape) + " with -1 as 1");
  for (std::size_t axis = 0; axis < shape.size(); ++axis)
    if (sizes[axis] == -1 && unknown == 1 && count % known == 0) shape[axis] = count / known;
  if (unknown > 1 || element_count(shape) != count)
    fail("reshape", to_string(from) + " has " + std::to_string(count) + " elements, the new shape " +
                        to_string(shape) + (unknown > 0 ? " with -1 as 1" : "") + " does not fit them");
  return shape;
}

}  // namespace

// y = x        x̄ += ȳ
template <class T> Var<T> reshape(Var<T> x, const Sizes& sizes) {
  return record("reshape", {x}, reshaped(x.value(), resolve_sizes(x.shape(), sizes)),
                [x](Var<T> y) { x.accumulate(reshaped(y.grad(), x.shape())); });
}

template <class T> Var<T> unsqueeze(Var<T> x, std::ptrdiff_t axis) {
  Shape shape = x.shape();
  shape.push_back(1);
  const auto place = static_cast<std::ptrdiff_t>(resolve_axis("unsqueeze", shape, axis));
  std::rotate(shape.begin() + place, shape.end() - 1, shape.end());
  return reshape(x, shape);
}

template <class T> Var<T> transpose(Var<T> x) {
  xt::svector<std::ptrdiff_t, 4> axes(x.shape().size());
  std::iota(axes.rbegin(), axes.rend(), 0);
  return transpose(x, Axes(axes));
}

// y = x with its axes permuted        x̄ += ȳ with its axes permuted back
template <class T> Var<T> transpose(Var<T> x, const Axes& axes) {
  const auto [order, inverse] = detail::permutation("transpose", x.shape(), axes);
  return record("transpose", {x}, permuted(x.value(), order),
                [x, inverse = inverse](Var<T> y) { x.accumulate(permuted(y.grad(), inverse)); });
}

namespace {

// The shape of tensors one after another along an axis.
template <class T> Shape joined_shape(std::span<const Var<T>> inputs, std::size_t along) {
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
  return shape;
}

// Calls use(x, all of it, its part of a tensor of this shape) for tensors one after another along an axis.
template <class Inputs, class F>
void for_each_part(const Inputs& inputs, const Shape& shape, std::size_t along, F use) {
  std::size_t place = 0;
  for (const auto x : inputs) {
    const std::size_t size = x.shape()[along];
    use(x, part_along(x.shape(), along, 0, size), part_along(shape, along, place, place + size));
    place += size;
  }
}

// y = (x_1, x_2, ...)        x̄_k += its part of ȳ
template <class T> Var<T> concatenate_all(std::span<const Var<T>> inputs, std::ptrdiff_t axis) {
  if (inputs.empty()) fail("concatenate", "there is nothing to concatenate");
  const std::size_t along = resolve_axis("concatenate", inputs.front().shape(), axis);
  const Shape shape = joined_shape(inputs, along);
  const auto fill = [&](Tensor<T>& y) {
    for_each_part(inputs, shape, along,
                  [&](Var<T> x, Part all, Part part) { copy(x.value(), all, y, part); });
  };
  const auto backward = [along, all_x = xt::svector<Var<T>, 4>(inputs.begin(), inputs.end())](Var<T> y) {
    for_each_part(all_x, y.shape(), along,
                  [&](Var<T> x, Part all, Part part) { x.accumulate_at(all, y.grad(), part); });
  };
  return inputs.front().tape().record("concatenate", inputs, shape, fill, backward);
}

}  // namespace

template <class T> Var<T> concatenate(std::initializer_list<Var<T>> inputs, std::ptrdiff_t axis) {
  return concatenate_all(std::span<const Var<T>>(inputs), axis);
}

template <class T> Var<T> concatenate(const std::vector<Var<T>>& inputs, std::ptrdiff_t axis) {
  return concatenate_all(std::span<const Var<T>>(inputs), axis);
}

// y = x[..., begin:end, ...]        x̄[..., begin:end, ...] += ȳ
template <class T> Var<T> slice(Var<T> x, std::ptrdiff_t axis, std::size_t begin, std::size_t end) {
  const std::size_t along = resolve_axis("slice", x.shape(), axis);
  Shape shape = x.shape();
  if (begin > end || end > shape[along])
    fail("slice", std::to_string(begin) + " ... " + std::to_string(end) + " is no range of axis " +
                      std::to_string(along) + " of a tensor of shape " + to_string(shape));
  const Part part = part_along(shape, along, begin, end);
  shape[along] = end - begin;
  const Part all{0, part.count, part.count, part.runs};
  return record(
      "slice", {x}, shape, [&](Tensor<T>& y) { copy(x.value(), part, y, all); },
      [x, part, all](Var<T> y) { x.accumulate_at(part, y.grad(), all); });
}

// y = x, repeated        x̄ += Σ ȳ over the repetitions
template <class T> Var<T> broadcast(Var<T> x, const Shape& shape) {
  if (!detail::broadcasts(x.shape(), shape))
    fail("broadcast", to_string(x.shape()) + " does not broadcast to " + to_string(shape));
  return record(
      "broadcast", {x}, shape, [&](Tensor<T>& y) { write(y, x.value()); },
      [x](Var<T> y) { x.accumulate(y.grad()); });
}

// y_i = x_r(i)        x̄_r(i) += ȳ_i
template <class T> Var<T> gather_rows(Var<T> x, const std::vector<std::size_t>& rows) {
  for (const std::size_t row : rows)
    if (x.shape().size() == 0 || row >= x.shape()[0])
      fail("gather_rows", "there is no row " + std::to_string(row) + " in " + to_string(x.shape()));
  Shape shape = x.shape();
  shape[0] = rows.size();
  const auto row = [shape](std::size_t i) { return part_along(shape, 0, i, i + 1); };
  const auto each_row = [rows, row](auto&& use) {
    for (std::size_t i = 0; i < rows.size(); ++i) use(row(rows[i]), row(i));
  };
  return record(
      "gather_rows", {x}, shape,
      [&](Tensor<T>& y) { each_row([&](Part from, Part to) { copy(x.value(), from, y, to); }); },
      [x, each_row](Var<T> y) {
        each_row([&](Part to, Part from) { x.accumulate_at(to, y.grad(), from); });
      });
}

// y_(i n + k) = x_i        x̄_i += Σ_k ȳ_(i n + k)
template <class T> Var<T> repeat_rows(Var<T> x, std::size_t times) {
  Shape shape = x.shape();
  if (shape.size() == 0 || times == 0)
    fail("repeat_rows",
         "cannot repeat the rows of " + to_string(shape) + " " + std::to_string(times) + " times");
  if (times == 1) return x;
  const std::size_t rows = shape[0], count = part_along(shape, 0, 0, 1).count;
  shape[0] *= times;
  const auto part = [=](std::size_t n, std::size_t k) { return Part{k * count, n * count, count, rows}; };
  return record(
      "repeat_rows", {x}, shape,
      [&](Tensor<T>& y) {
        for (std::size_t k = 0; k < times; ++k) copy(x.value(), part(1, 0), y, part(times, k));
      },
      [x, part, times](Var<T> y) {
        for (std::size_t k = 0; k < times; ++k) x.accumulate_at(part(1, 0), y.grad(), part(times, k));
      });
}

#define STRATA_INSTANTIATE(T)                                                 \
  template Var<T> reshape(Var<T>, const Sizes&);                              \
  template Var<T> unsqueeze(Var<T>, std::ptrdiff_t);                          \
  template Var<T> transpose(Var<T>);                                          \
  template Var<T> transpose(Var<T>, const Axes&);                             \
  template Var<T> concatenate(std::initializer_list<Var<T>>, std::ptrdiff_t); \
  template Var<T> concatenate(const std::vector<Var<T>>&, std::ptrdiff_t);    \
  template Var<T> slice(Var<T>, std::ptrdiff_t, std::size_t, std::size_t);    \
  template Var<T> broadcast(Var<T>, const Shape&);                            \
  template Var<T> gather_rows(Var<T>, const std::vector<std::size_t>&);       \
  template Var<T> repeat_rows(Var<T>, std::size_t);
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)

}  // namespace strata
