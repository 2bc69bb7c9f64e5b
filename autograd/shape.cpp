#include "strata/autograd/shape.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "strata/tensor/interval.hpp"

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

template <class T> Var<T> unsqueeze(Var<T> x, std::ptrdiff_t axis, std::size_t size) {
  Shape shape = x.shape();
  shape.push_back(1);
  const auto place = static_cast<std::ptrdiff_t>(resolve_axis("unsqueeze", shape, axis));
  std::rotate(shape.begin() + place, shape.end() - 1, shape.end());
  const auto y = reshape(x, shape);
  shape[static_cast<std::size_t>(place)] = size;
  return size == 1 ? y : broadcast(y, shape);
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

// The axis counted from 0, and the shape of tensors one after another along it.
template <class T> std::pair<std::size_t, Shape> join(std::span<const Var<T>> inputs, std::ptrdiff_t axis) {
  if (inputs.empty()) fail("concatenate", "there is nothing to concatenate");
  Shape shape = inputs.front().shape();
  const std::size_t along = resolve_axis("concatenate", shape, axis);
  shape[along] = 0;
  for (const Var<T> input : inputs) {
    Shape expected = shape, found = input.shape();
    if (found.size() == shape.size()) expected[along] = found[along];
    if (found != expected)
      fail("concatenate", "shapes differ beside axis " + std::to_string(along) + ": " +
                              to_string(inputs.front().shape()) + ", " + to_string(found));
    shape[along] += found[along];
  }
  return {along, shape};
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
  const auto [along, shape] = join(inputs, axis);
  const auto fill = [&, along = along, &shape = shape](Tensor<T>& y) {
    for_each_part(inputs, shape, along, [&](auto x, auto all, auto part) { copy(x.value(), all, y, part); });
  };
  const auto backward = [along = along, xs = xt::svector<Var<T>, 4>(inputs.begin(), inputs.end())](Var<T> y) {
    const auto add = [y](auto x, auto all, auto part) { x.accumulate_at(all, y.grad(), part); };
    for_each_part(xs, y.shape(), along, add);
  };
  return inputs.front().tape().record("concatenate", inputs, shape, fill, backward);
}

// Records y, of this shape: moves(use) calls use(part of x, part of y) for every two parts that are equal.
// What no part covers is 0.        x̄ += ȳ, part by part
template <class T, class M>
Var<T> record_parts(const char* name, Var<T> x, const Shape& shape, M moves, bool covered = true) {
  const auto fill = [&](Tensor<T>& y) {
    if (!covered) y.fill(T(0));
    moves([&](const Part& from, const Part& to) { copy(x.value(), from, y, to); });
  };
  return record(name, {x}, shape, fill, [x, moves](Var<T> y) {
    moves([&](const Part& to, const Part& from) { x.accumulate_at(to, y.grad(), from); });
  });
}

void require_range(const Shape& shape, std::size_t axis, std::size_t begin, std::size_t end) {
  if (begin > end || end > shape[axis])
    fail("slice", std::to_string(begin) + " ... " + std::to_string(end) + " is no range of axis " +
                      std::to_string(axis) + " of a tensor of shape " + to_string(shape));
}

void require_rows(const Shape& shape, const std::vector<std::size_t>& rows) {
  if (shape.size() == 0) fail("gather_rows", "a tensor of rank 0 has no rows");
  for (const std::size_t row : rows)
    if (row >= shape[0])
      fail("gather_rows",
           "row " + std::to_string(row) + " is out of range for a tensor of shape " + to_string(shape));
}

// The L of L (L − 1) / 2 entries.
std::size_t triangle_size(const Shape& entries) {
  const std::size_t count = entries.size() == 0 ? 2 : entries.back();
  const auto size = static_cast<std::size_t>(std::lround((1 + std::sqrt(1 + 8 * double(count))) / 2));
  if (size * (size - 1) / 2 != count)
    fail("strictly_lower", "needs (..., L (L - 1) / 2) entries, but they are " + to_string(entries));
  return size;
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
  require_range(x.shape(), along, begin, end);
  Shape shape = x.shape();
  shape[along] = end - begin;
  const Part part = part_along(x.shape(), along, begin, end), all = part_along(shape, along, 0, end - begin);
  return record_parts("slice", x, shape, [part, all](auto&& use) { use(part, all); });
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
  require_rows(x.shape(), rows);
  Shape shape = x.shape();
  shape[0] = rows.size();
  const auto row = [shape](std::size_t i) { return part_along(shape, 0, i, i + 1); };
  return record_parts("gather_rows", x, shape, [rows, row](auto&& use) {
    for (std::size_t i = 0; i < rows.size(); ++i) use(row(rows[i]), row(i));
  });
}

// y_(i n + k) = x_i        x̄_i += Σ_k ȳ_(i n + k)
template <class T> Var<T> repeat_rows(Var<T> x, std::size_t times) {
  Shape shape = x.shape();
  if (shape.size() == 0 || times == 0)
    fail("repeat_rows", "cannot repeat " + to_string(shape) + " " + std::to_string(times) + " times");
  if (times == 1) return x;
  const std::size_t rows = shape[0], count = part_along(shape, 0, 0, 1).count;
  shape[0] *= times;
  return record_parts("repeat_rows", x, shape, [rows, count, times](auto&& use) {
    for (std::size_t k = 0; k < times; ++k)
      use(Part{0, count, count, rows}, Part{k * count, times * count, count, rows});
  });
}

// y_ij = the entry of row i, column j < i, or 0        its gradient += ȳ_ij
template <class T> Var<T> strictly_lower(Var<T> entries) {
  const std::size_t n = triangle_size(entries.shape()), all = n * (n - 1) / 2;
  Shape shape = entries.shape();
  shape.back() = n;
  shape.push_back(n);
  const auto rows = [n, all, count = element_count(shape) / (n * n)](auto&& use) {
    for (std::size_t i = 1; i < n; ++i)
      use(Part{i * (i - 1) / 2, all, i, count}, Part{i * n, n * n, i, count});
  };
  return record_parts("strictly_lower", entries, shape, rows, false);
}

template <class T> Var<T> one_hot(Var<T> x, std::size_t classes) {
  if (x.needs_grad()) fail("one_hot", "no gradient flows into x: give it by stop_gradient(x)");
  Shape shape = x.shape();
  shape.push_back(classes);
  return x.tape().constant(shape, [&](Tensor<T>& y) {
    y.fill(T(0));
    for (std::size_t i = 0; i < x.value().size(); ++i) {
      const T label = x.value().data()[i];
      if (!(label >= 0 && label < static_cast<T>(classes) && label == std::floor(label)))
        fail("one_hot",
             "x is " + element_text(x.value(), i) + ", none of " + std::to_string(classes) + " classes");
      y.data()[i * classes + static_cast<std::size_t>(label)] = T(1);
    }
  });
}

#define STRATA_INSTANTIATE(T)                                                 \
  template Var<T> reshape(Var<T>, const Sizes&);                              \
  template Var<T> unsqueeze(Var<T>, std::ptrdiff_t, std::size_t);             \
  template Var<T> transpose(Var<T>);                                          \
  template Var<T> transpose(Var<T>, const Axes&);                             \
  template Var<T> concatenate(std::initializer_list<Var<T>>, std::ptrdiff_t); \
  template Var<T> concatenate(const std::vector<Var<T>>&, std::ptrdiff_t);    \
  template Var<T> slice(Var<T>, std::ptrdiff_t, std::size_t, std::size_t);    \
  template Var<T> broadcast(Var<T>, const Shape&);                            \
  template Var<T> gather_rows(Var<T>, const std::vector<std::size_t>&);       \
  template Var<T> repeat_rows(Var<T>, std::size_t);                           \
  template Var<T> strictly_lower(Var<T>);                                     \
  template Var<T> one_hot(Var<T>, std::size_t);
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)

}  // namespace strata
