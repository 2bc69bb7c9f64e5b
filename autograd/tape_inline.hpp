// The templates of tape.hpp that depend on an operation's expression or closure.
#pragma once

#include "autograd/tape.hpp"

namespace strata {

namespace detail {

/// Whether the expression has this shape; a plain loop, since std::equal would call memcmp for two numbers.
template <class E> bool has_shape(const E& expression, const Shape& shape) {
  const auto& other = expression.shape();
  bool same = other.size() == shape.size();
  for (std::size_t axis = 0; same && axis < shape.size(); ++axis) same = other[axis] == shape[axis];
  return same;
}

/// Gives a buffer a shape, which it mostly has already.
template <class T> void ensure_shape(Tensor<T>& buffer, const Shape& shape) {
  if (!has_shape(buffer, shape)) buffer.resize(shape);
}

/// Whether a tensor of shape `from` broadcasts to `to`.
bool broadcasts(const Shape& from, const Shape& to);

}  // namespace detail

template <class T> inline Tape<T>& Var<T>::tape() const {
  if (tape_ == nullptr) fail_empty();
  return *tape_;
}

template <class T> inline typename Tape<T>::Slot& Tape<T>::slot(Var<T> x) {
  if (x.step_ != step_) fail_ended();
  return slots_[x.index_];
}

template <class T> template <class E> void Var<T>::accumulate(const E& expression) const {
  if (!needs_grad()) return;
  const Tensor<T>& x = value();
  if constexpr (detail::has_elements_in_order<E>)
    if (detail::has_shape(expression, x.shape()) && detail::is_elementwise(expression, x.strides()))
      return accumulate_with([&](Tensor<T>& gradient, T beta) {
        beta == T(0) ? write_elementwise(gradient, expression)
                     : write_elementwise<Update::add>(gradient, expression);
      });
  if constexpr (std::is_same_v<E, Tensor<T>>)
    accumulate_broadcast(expression);
  else
    accumulate_broadcast(xt::noalias(tape_->scratch_) = expression);
}

template <class T> template <class E>
void Var<T>::accumulate_rows(const Tensor<T>& s, const E& expression) const {
  if (!needs_grad()) return;
  const Tensor<T>& x = value();
  if (detail::has_shape(expression, x.shape()) && detail::is_elementwise(expression, x.strides())) {
    accumulate_with([&](Tensor<T>& gradient, T beta) {
      beta == T(0) ? write_rows(gradient, s, expression) : write_rows<Update::add>(gradient, s, expression);
    });
  } else {
    Tensor<T>& scaled = tape_->scratch_;
    xt::noalias(scaled) = expression;
    write_rows(scaled, s, scaled);
    accumulate_broadcast(scaled);
  }
}

template <class T> template <class F> void Var<T>::accumulate_with(F f) const {
  auto& slot = tape().slot(*this);
  if (!slot.needs_grad) return;
  auto& [gradient, received] = *slot.gradient;
  detail::ensure_shape(gradient, slot.value->shape());
  f(gradient, received ? T(1) : T(0));
  received = true;
}

template <class T> template <class F>
requires std::invocable < F, Tensor<T>
& > Var<T> Tape<T>::constant(const Shape& shape, F fill) {
  Slot& slot = next_slot("constant", false);
  detail::ensure_shape(slot.own_value, shape);
  fill(slot.own_value);
  return last();
}

template <class T> template <class E, class B>
Var<T> Tape<T>::record(const char* name, std::span<const Var<T>> inputs, const E& expression, B backward) {
  Slot& slot = next_slot(name, any_needs_grad(name, inputs));
  try {
    slot.own_value.resize(expression.shape());
  } catch (const xt::broadcast_error&) {
    fail(name, "shapes do not broadcast: " + shapes_of(inputs));
  }
  write(slot.own_value, expression);
  if (slot.needs_grad) slot.backward.set(std::move(backward));
  return last();
}

template <class T> template <class F, class B>
Var<T> Tape<T>::record(const char* name, std::span<const Var<T>> inputs, const Shape& shape, F fill,
                       B backward) {
  Slot& slot = next_slot(name, any_needs_grad(name, inputs));
  detail::ensure_shape(slot.own_value, shape);
  fill(slot.own_value);
  if (slot.needs_grad) slot.backward.set(std::move(backward));
  return last();
}

}  // namespace strata
