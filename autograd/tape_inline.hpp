// The templates of tape.hpp that depend on an operation's expression or closure.
#pragma once

#include "strata/autograd/tape.hpp"

namespace strata {

namespace detail {

/// Gives a buffer a shape, which it mostly has already.
template <class T> void ensure_shape(Tensor<T>& buffer, const Shape& shape) {
  if (!same(buffer.shape(), shape)) buffer.resize(shape);
}

/// Gives a buffer the shape and the value of a lazy expression. Returns what hinders it, or nothing.
template <class T, class E> const char* evaluate(Tensor<T>& buffer, const E& expression) {
  if constexpr (Readable<E, T> && Reading<E, T>::leaves == 1 && !Reading<E, T>::permuted) {
    // The value has the only leaf's shape: the pass that broadcasts is not even compiled.
    all_leaves<T>(expression, [&](const auto& leaf) {
      ensure_shape(buffer, leaf.shape());
      return true;
    });
    write_flat<Update::assign>(buffer, expression);
  } else if constexpr (Readable<E, T>) {
    if (!is_flat<T>(expression, buffer.shape())) {
      Shape shape;
      if (!find_shape<T>(expression, shape)) return "shapes do not broadcast";
      ensure_shape(buffer, shape);
    }
    write(buffer, expression);
  } else {
    try {
      xt::noalias(buffer) = expression;
    } catch (const xt::broadcast_error&) {
      return "shapes do not broadcast";
    }
  }
  return nullptr;
}

template <class T, class C, class E>
const char* evaluate(Tensor<T>& buffer, const Reduction<C, E>& reduction) {
  static_assert(Readable<E, T>, "what is reduced consists of tensors, numbers and functions of them");
  Shape full;
  if (!find_shape<T>(reduction.expression, full)) return "shapes do not broadcast";
  if (reduction.kept) {
    ensure_shape(buffer, reduction.shape ? *reduction.shape : *reduction.kept);
    reduce<C>(buffer, *reduction.kept, reduction.expression, full, Update::assign);
  } else {
    if (full.size() == 0) return "needs at least one axis to sum over";
    Shape kept = full;
    kept.back() = 1;
    ensure_shape(buffer, Shape(full.begin(), full.end() - 1));
    reduce<C>(buffer, kept, reduction.expression, full, Update::assign);
  }
  return nullptr;
}

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
  if constexpr (!detail::Readable<E, T>) {
    accumulate(tape_->scratch(expression));
  } else {
    Shape full;
    const bool flat = detail::is_flat<T>(expression, shape());
    if (!flat && !detail::find_shape<T>(expression, full)) fail_derivative(full);
    if (flat || detail::broadcasts(full, shape()))
      accumulate_with([&](Tensor<T>& gradient, T beta) {
        beta == T(0) ? write(gradient, expression) : write<Update::add>(gradient, expression);
      });
    else if constexpr (std::is_same_v<E, Tensor<T>>)
      accumulate_sum(expression);
    else
      accumulate_sum(tape_->scratch(expression));  // so that sums are compiled once
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

template <class T> template <detail::Lazy<T> E> Var<T> Tape<T>::constant(const E& expression) {
  if (const char* problem = detail::evaluate(next_slot("constant", false).own_value, expression))
    fail("constant", problem);
  return last();
}

template <class T> template <std::invocable<Tensor<T>&> F>
Var<T> Tape<T>::constant(const Shape& shape, F fill) {
  Slot& slot = next_slot("constant", false);
  detail::ensure_shape(slot.own_value, shape);
  fill(slot.own_value);
  return last();
}

template <class T> template <class E> const Tensor<T>& Tape<T>::scratch(const E& expression) {
  Tensor<T>& buffer = scratch_[walking_].next();
  if (const char* problem = detail::evaluate(buffer, expression)) fail(running_, problem);
  return buffer;
}

template <class T> template <class F> const Tensor<T>& Tape<T>::scratch(const Shape& shape, F fill) {
  Tensor<T>& buffer = scratch_[walking_].next();
  detail::ensure_shape(buffer, shape);
  fill(buffer);
  return buffer;
}

template <class T> template <class F> void Tape<T>::on_gradient(Var<T> x, F f) {
  slot(x).hooked = true;
  if (hook_count_ == hooks_.size()) hooks_.emplace_back();
  Hook& hook = hooks_[hook_count_++];
  hook.slot = x.index_;
  hook.call.set(std::move(f));
}

template <class T> template <class E, class B>
Var<T> Tape<T>::record(const char* name, std::span<const Var<T>> inputs, const E& expression, B backward) {
  Slot& slot = next_slot(name, read(name, inputs));
  if (const char* problem = detail::evaluate(slot.own_value, expression))
    fail(name, std::string(problem) + ": " + shapes_of(inputs));
  if (slot.needs_grad) slot.backward.set(std::move(backward));
  return last();
}

template <class T> template <class F, class B>
Var<T> Tape<T>::record(const char* name, std::span<const Var<T>> inputs, const Shape& shape, F fill,
                       B backward) {
  Slot& slot = next_slot(name, read(name, inputs));
  detail::ensure_shape(slot.own_value, shape);
  fill(slot.own_value);
  if (slot.needs_grad) slot.backward.set(std::move(backward));
  return last();
}

extern template void Var<float>::accumulate(const Tensor<float>&) const;
extern template void Var<double>::accumulate(const Tensor<double>&) const;

}  // namespace strata
