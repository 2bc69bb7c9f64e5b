#include "strata/autograd/reduce.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "strata/autograd/elementwise.hpp"
#include "strata/autograd/formulas.hpp"

namespace strata {

using detail::reduced;

namespace {

void require_elements(const char* operation, const Shape& shape) {
  if (element_count(shape) == 0) fail(operation, "the tensor is empty: its shape is " + to_string(shape));
}

// The nearest finite number; NaN stays.
template <class T, class E> auto finite(E&& e) {
  constexpr T largest = std::numeric_limits<T>::max();
  const auto nearest = []<class V>(V v) {
    return select(v < V(-largest), V(-largest), select(v > V(largest), V(largest), v));
  };
  return map(nearest, std::forward<E>(e));
}

}  // namespace

// y = Σ x        x̄ += ȳ
template <class T> Var<T> sum(Var<T> x) {
  return record("sum", {x}, sum_to(Shape{}, x.value()), [x](Var<T> y) { x.accumulate(y.grad()); });
}

// y = Σ_axes x        x̄ += ȳ
template <class T> Var<T> sum(Var<T> x, const Axes& axes, KeepAxes keep) {
  const auto [kept, shape] = reduced("sum", x.shape(), axes, keep);
  return record("sum", {x}, sum_to(kept, x.value(), shape),
                [x, kept = kept](Var<T> y) { x.accumulate(reshaped(y.grad(), kept)); });
}

template <class T> Var<T> mean(Var<T> x) {
  require_elements("mean", x.shape());
  return sum(x) / static_cast<T>(x.value().size());
}

template <class T> Var<T> mean(Var<T> x, const Axes& axes, KeepAxes keep) {
  const std::size_t means = element_count(reduced("mean", x.shape(), axes, keep).shape);
  require_elements("mean", x.shape());
  return sum(x, axes, keep) * (static_cast<T>(means) / static_cast<T>(x.value().size()));
}

// y = max x        x̄ += ȳ / Σ [x = y] where x = y
template <class T> Var<T> max(Var<T> x, const Axes& axes, KeepAxes keep) {
  require_elements("max", x.shape());
  const auto [kept, shape] = reduced("max", x.shape(), axes, keep);
  return record("max", {x}, max_to(kept, x.value(), shape), [x, kept = kept](Var<T> y) {
    const auto largest = reshaped(y.value(), kept);
    const auto equal = []<class V>(V v, V m) { return select(v == m, V(1), V(0)); };
    const Tensor<T>& ties = y.tape().scratch(sum_to(kept, map(equal, x.value(), largest)));
    const auto share = []<class V>(V v, V m, V g) { return select(v == m, g, select(m == m, V(0), m)); };
    x.accumulate(map(share, x.value(), largest, reshaped(y.grad(), kept) / ties));
  });
}

template <class T> Var<T> min(Var<T> x, const Axes& axes, KeepAxes keep) { return -max(-x, axes, keep); }

namespace {

constexpr auto exp_of_difference = [](auto x, auto m) { return formulas::exp(x - m); };
constexpr auto logarithm = [](auto x) { return formulas::log(x); };
// ln Σ, and 0 for a row of −∞, whose e^(x − m) are all 0
constexpr auto log_total = []<class V>(V total) { return select(total == V(0), V(0), formulas::log(total)); };
// e^(x − y), and 0 for x = y = −∞
constexpr auto share_of = []<class V>(V x, V y) {
  constexpr auto lowest = std::numeric_limits<formulas::Element<V>>::lowest();
  return formulas::exp(x - select(y < V(lowest), V(lowest), y));
};

// The terms of softmax: m = max x, made finite so that x − m is never ∞ − ∞, and Σ e^(x − m).
template <class T> struct Exponentials { const Tensor<T>&m, &total; };
template <class T> Exponentials<T> exponentials(Var<T> x, const Shape& kept) {
  Tape<T>& tape = x.tape();
  const Tensor<T>& m = tape.scratch(finite<T>(tape.scratch(max_to(kept, x.value()))));
  return {m, tape.scratch(sum_to(kept, map(exp_of_difference, x.value(), m)))};
}

}  // namespace

// y = m + ln Σ e^(x − m), m = max x        x̄ += ȳ e^(x − y)
template <class T> Var<T> logsumexp(Var<T> x, std::ptrdiff_t axis, KeepAxes keep) {
  const auto [kept, shape] = reduced("logsumexp", x.shape(), {axis}, keep);
  const auto [m, total] = exponentials(x, kept);
  return record("logsumexp", {x}, reshaped(m, shape) + map(logarithm, reshaped(total, shape)),
                [x, kept = kept](Var<T> y) {
                  const auto share = map(share_of, x.value(), reshaped(y.value(), kept));
                  x.accumulate(map(formulas::scaled, reshaped(y.grad(), kept), share));
                });
}

// y = e^(x − m) / Σ e^(x − m), m = max x        x̄ += y (ȳ − Σ ȳ y)
template <class T> Var<T> softmax(Var<T> x, std::ptrdiff_t axis) {
  const Shape kept = reduced("softmax", x.shape(), {axis}, KeepAxes::yes).kept;
  const auto [m, total] = exponentials(x, kept);
  const auto value = map(formulas::quotient, map(exp_of_difference, x.value(), m), total);
  return record("softmax", {x}, value, [x, kept](Var<T> y) {
    const auto mean = sum_to(kept, map(formulas::scaled, y.grad(), y.value()));
    x.accumulate(map(formulas::scaled, y.grad() - y.tape().scratch(mean), y.value()));
  });
}

// y = x − m − ln Σ e^(x − m), m = max x        x̄ += ȳ − e^y Σ ȳ
template <class T> Var<T> log_softmax(Var<T> x, std::ptrdiff_t axis) {
  const Shape kept = reduced("log_softmax", x.shape(), {axis}, KeepAxes::yes).kept;
  const auto [m, total] = exponentials(x, kept);
  return record("log_softmax", {x}, x.value() - m - map(log_total, total), [x, kept](Var<T> y) {
    x.accumulate(y.grad() - map([](auto v) { return formulas::exp(v); }, y.value()) *
                                y.tape().scratch(sum_to(kept, y.grad())));
  });
}

namespace {

// The sums of x's elements up to each, along the runs of a part that spans an axis, or from the end.
template <class T>
void add_up(const Tensor<T>& x, const Part& axis, std::size_t size, bool backwards, Tensor<T>& sums) {
  const std::size_t inner = axis.count / std::max<std::size_t>(size, 1);
  for (std::size_t run = 0; run < axis.runs; ++run)
    for (std::size_t k = 0; k < size; ++k) {
      const std::size_t at = run * axis.step + (backwards ? size - 1 - k : k) * inner;
      const std::size_t before = backwards ? at + inner : at - inner;
      for (std::size_t i = 0; i < inner; ++i)
        sums.data()[at + i] = x.data()[at + i] + (k == 0 ? T(0) : sums.data()[before + i]);
    }
}

}  // namespace

// y_k = Σ_(j ≤ k) x_j        x̄_k += Σ_(j ≥ k) ȳ_j
template <class T> Var<T> cumsum(Var<T> x, std::ptrdiff_t axis) {
  const std::size_t along = detail::resolve_axis("cumsum", x.shape(), axis), size = x.shape()[along];
  const Part part = part_along(x.shape(), along, 0, size);
  return record(
      "cumsum", {x}, x.shape(), [&](Tensor<T>& y) { add_up(x.value(), part, size, false, y); },
      [x, part, size](Var<T> y) {
        x.accumulate(
            y.tape().scratch(x.shape(), [&](Tensor<T>& sums) { add_up(y.grad(), part, size, true, sums); }));
      });
}

namespace {

// The place of the first NaN or else the first element before all others, row by row.
template <class T, class Before>
std::vector<std::size_t> first_in_rows(const char* operation, const Tensor<T>& x, Before before) {
  const auto first = [before](T u, T v) { return before(u, v) || (std::isnan(u) && !std::isnan(v)); };
  const std::size_t size = x.dimension() == 0 ? 0 : x.shape().back();
  if (size == 0) fail(operation, "needs a last axis with elements, but x is " + to_string(x.shape()));
  std::vector<std::size_t> places(x.size() / size);
  for (std::size_t row = 0; row < places.size(); ++row) {
    const T* values = x.data() + row * size;
    places[row] = static_cast<std::size_t>(std::min_element(values, values + size, first) - values);
  }
  return places;
}

}  // namespace

template <class T> std::vector<std::size_t> argmax(Var<T> x) {
  return first_in_rows("argmax", x.value(), std::greater<T>());
}

template <class T> std::vector<std::size_t> argmin(Var<T> x) {
  return first_in_rows("argmin", x.value(), std::less<T>());
}

#define STRATA_INSTANTIATE(T)                                  \
  template Var<T> sum(Var<T>);                                 \
  template Var<T> sum(Var<T>, const Axes&, KeepAxes);          \
  template Var<T> mean(Var<T>);                                \
  template Var<T> mean(Var<T>, const Axes&, KeepAxes);         \
  template Var<T> max(Var<T>, const Axes&, KeepAxes);          \
  template Var<T> min(Var<T>, const Axes&, KeepAxes);          \
  template Var<T> logsumexp(Var<T>, std::ptrdiff_t, KeepAxes); \
  template Var<T> softmax(Var<T>, std::ptrdiff_t);             \
  template Var<T> log_softmax(Var<T>, std::ptrdiff_t);         \
  template Var<T> cumsum(Var<T>, std::ptrdiff_t);              \
  template std::vector<std::size_t> argmax(Var<T>);            \
  template std::vector<std::size_t> argmin(Var<T>);
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)

}  // namespace strata
