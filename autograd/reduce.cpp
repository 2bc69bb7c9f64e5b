#include "autograd/reduce.hpp"

#include <cmath>
#include <limits>

#include "autograd/axes.hpp"
#include "autograd/elementwise.hpp"

namespace strata {

using detail::axis_view;
using detail::kept_shape;
using detail::reduced_shape;
using detail::reshaped;
using detail::resolve_axis;

// y = Σ x        x̄ += ȳ
template <class T> Var<T> sum(Var<T> x) {
  const auto fill = [x](Tensor<T>& y) { write_sum(y, x.value(), x.shape()); };
  return record("sum", {x}, Shape{}, fill, [x](Var<T> y) { x.accumulate(y.grad()); });
}

// y = Σ_axes x        x̄ += ȳ
template <class T> Var<T> sum(Var<T> x, const Axes& axes, KeepAxes keep) {
  const Shape kept = kept_shape("sum", x.shape(), axes);
  const Shape shape = keep == KeepAxes::yes ? kept : reduced_shape("sum", x.shape(), axes);
  const auto fill = [&](Tensor<T>& y) {
    y.reshape(kept);
    write_sum(y, x.value(), x.shape());
    y.reshape(shape);
  };
  return record("sum", {x}, shape, fill, [x, kept](Var<T> y) { x.accumulate(reshaped(y.grad(), kept)); });
}

template <class T> Var<T> mean(Var<T> x) {
  if (x.value().size() == 0) fail("mean", "the tensor is empty: its shape is " + to_string(x.shape()));
  return sum(x) / static_cast<T>(x.value().size());
}

template <class T> Var<T> mean(Var<T> x, const Axes& axes, KeepAxes keep) {
  const std::size_t kept = element_count(kept_shape("mean", x.shape(), axes));
  if (x.value().size() == 0) fail("mean", "the tensor is empty: its shape is " + to_string(x.shape()));
  return sum(x, axes, keep) * (static_cast<T>(kept) / static_cast<T>(x.value().size()));
}

// y = m + ln Σ e^(x − m), m = max x        x̄ += ȳ e^(x − y)
template <class T> Var<T> logsumexp(Var<T> x, std::ptrdiff_t axis, KeepAxes keep) {
  const Shape kept = kept_shape("logsumexp", x.shape(), {axis});
  const Shape shape = keep == KeepAxes::yes ? kept : reduced_shape("logsumexp", x.shape(), {axis});
  const auto [outer, size, inner] = axis_view(x.shape(), resolve_axis("logsumexp", x.shape(), axis));
  const auto fill = [&, outer = outer, size = size, inner = inner](Tensor<T>& y) {
    const T* v = x.value().data();
    for (std::size_t o = 0; o < outer; ++o)
      for (std::size_t i = 0; i < inner; ++i) {
        const T* first = v + o * size * inner + i;
        T largest = -std::numeric_limits<T>::infinity(), total = 0;
        for (std::size_t k = 0; k < size; ++k) largest = std::max(largest, first[k * inner]);
        if (!std::isfinite(largest)) largest = 0;  // e^±∞ is exact; ∞ − ∞ is not
        for (std::size_t k = 0; k < size; ++k) total += std::exp(first[k * inner] - largest);
        y.data()[o * inner + i] = largest + std::log(total);
      }
  };
  return record("logsumexp", {x}, shape, fill, [x, kept](Var<T> y) {
    x.accumulate(reshaped(y.grad(), kept) * xt::exp(x.value() - reshaped(y.value(), kept)));
  });
}

// y = e^(x − m) / Σ e^(x − m), m = max x        x̄ += y (ȳ − Σ ȳ y)
template <class T> Var<T> softmax(Var<T> x, std::ptrdiff_t axis) {
  const auto [outer, size, inner] = axis_view(x.shape(), resolve_axis("softmax", x.shape(), axis));
  const auto for_each_line = [outer = outer, inner = inner, size = size](auto&& f) {
    for (std::size_t o = 0; o < outer; ++o)
      for (std::size_t i = 0; i < inner; ++i) f(o * size * inner + i);
  };
  const auto fill = [&, size = size, inner = inner](Tensor<T>& y) {
    if (size == 0) return;
    for_each_line([&](std::size_t first) {
      const T* v = x.value().data() + first;
      T* out = y.data() + first;
      T largest = v[0], total = 0;
      for (std::size_t k = 0; k < size; ++k) largest = std::max(largest, v[k * inner]);
      for (std::size_t k = 0; k < size; ++k) total += out[k * inner] = std::exp(v[k * inner] - largest);
      for (std::size_t k = 0; k < size; ++k) out[k * inner] /= total;
    });
  };
  return record("softmax", {x}, x.shape(), fill, [x, for_each_line, size = size, inner = inner](Var<T> y) {
    x.accumulate_with([&](Tensor<T>& gradient, T beta) {
      for_each_line([&](std::size_t first) {
        const T *value = y.value().data() + first, *upstream = y.grad().data() + first;
        T* out = gradient.data() + first;
        T inner_product = 0;
        for (std::size_t k = 0; k < size; ++k) inner_product += upstream[k * inner] * value[k * inner];
        for (std::size_t k = 0; k < size; ++k) {
          const T mine = value[k * inner] * (upstream[k * inner] - inner_product);
          out[k * inner] = beta == T(0) ? mine : out[k * inner] + mine;
        }
      });
    });
  });
}

#define STRATA_INSTANTIATE(T)                                  \
  template Var<T> sum(Var<T>);                                 \
  template Var<T> sum(Var<T>, const Axes&, KeepAxes);          \
  template Var<T> mean(Var<T>);                                \
  template Var<T> mean(Var<T>, const Axes&, KeepAxes);         \
  template Var<T> logsumexp(Var<T>, std::ptrdiff_t, KeepAxes); \
  template Var<T> softmax(Var<T>, std::ptrdiff_t);
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)

}  // namespace strata
