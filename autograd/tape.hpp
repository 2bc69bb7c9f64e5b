// Reverse-mode automatic differentiation on an explicit tape.
//
// An operation records its value and the derivative of its inputs; the tape keeps them in the order of
// recording, which is already topological, and `backward` walks it once from the end. Buffers stay from step
// to step: a step of unchanging shape makes no heap allocation.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "strata/autograd/callback.hpp"
#include "strata/autograd/stable_list.hpp"
#include "strata/autograd/versioned.hpp"
#include "strata/tensor/part.hpp"
#include "strata/tensor/reduction.hpp"

namespace strata {

/// ∂loss/∂x for some tensor x, of its shape. `value` means something only once `received`.
template <class T> struct Gradient {
  Tensor<T> value;
  bool received = false;
};

namespace detail {
template <class E, class T> constexpr bool is_expression() {
  return Reading<E, T>::leaves > 0 && !Reading<E, T>::leaf;
}

/// What is written by `write`, but no tensor itself.
template <class E, class T>
concept Lazy = Readable<E, T> && is_expression<E, T>();
}  // namespace detail

/// A handle to one tensor on a tape: cheap to copy, valid until its tape's next `reset`. In comments and
/// docstrings x̄ stands for the gradient of the loss with respect to x.
template <class T> class Var {
 public:
  Var() = default;

  /// Whether it is a variable at all: a default-constructed one is not.
  explicit operator bool() const { return tape_ != nullptr; }

  /// The tensor. Throws if the tape was reset since the variable was made, as do the functions below.
  const Tensor<T>& value() const { return *tape().slot(*this).value; }
  const Shape& shape() const { return value().shape(); }

  /// Whether gradients flow into this variable: it is, or depends on, something to differentiate with respect
  /// to.
  bool needs_grad() const { return tape().slot(*this).needs_grad; }

  /// Whether the last `backward` reached this variable.
  bool has_grad() const { return tape().slot(*this).gradient->received; }

  /// x̄ of the last `backward`. Throws if it did not reach this variable.
  const Tensor<T>& grad() const;

  /// Throws for a default-constructed variable.
  Tape<T>& tape() const;

  /// Its place on the tape, in the order of recording.
  std::size_t index() const { return index_; }

  /// x̄ += expression. The only place that undoes broadcasting: the expression is summed over the axes along
  /// which x was broadcast, and broadcast where x is larger. Not evaluated if x needs no gradient.
  template <class E> void accumulate(const E& expression) const;

  /// x̄ += from, part by part: the elements of `part` in x̄ receive those of `source` in `from`, as many runs
  /// as long.
  void accumulate_at(const Part& part, const Tensor<T>& from, const Part& source) const;

  /// x̄ = beta x̄ + ..., written by f(Tensor<T>& x̄, T beta) itself: with beta = 0 it overwrites what x̄ holds.
  template <class F> void accumulate_with(F f) const;

 private:
  friend class Tape<T>;
  Var(Tape<T>* tape, std::uint32_t index, std::uint32_t step) : tape_(tape), index_(index), step_(step) {}

  [[noreturn]] static void fail_empty();
  [[noreturn]] void fail_derivative(const Shape& shape) const;
  void accumulate_sum(const Tensor<T>& derivative) const;  // of an input that was broadcast

  Tape<T>* tape_ = nullptr;
  std::uint32_t index_ = 0;
  std::uint32_t step_ = 0;
};

/// What a tape is for: `values` computes without keeping derivatives (evaluation), `gradients` keeps them
/// (training), `inputs` keeps those with respect to its own variables alone: references, and with them a
/// model's parameters, are constants.
enum class Record { gradients, values, inputs };

template <class T> class ParametersStopped;

/// The recorded operations of one step: their values, gradients, and how to go back.
template <class T> class Tape {
 public:
  explicit Tape(Record record = Record::gradients) : record_(record) {}
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  /// A copy of `value` to differentiate with respect to: after `backward` its `grad()` is ∂loss/∂value.
  Var<T> variable(const Tensor<T>& value) { return leaf("variable", value, record_ != Record::values); }

  /// A copy of `value` into which no gradient flows.
  Var<T> constant(const Tensor<T>& value) { return leaf("constant", value, false); }

  /// A constant with the value of x, made by stop_gradient.
  Var<T> detached(Var<T> x);

  /// A constant, the value of a lazy expression.
  template <detail::Lazy<T> E> Var<T> constant(const E& expression);

  /// A constant of this shape, written by fill(Tensor<T>&) straight into the tape's buffer.
  template <std::invocable<Tensor<T>&> F> Var<T> constant(const Shape& shape, F fill);

  /// A tensor that lives outside the tape, used without a copy; its gradient is accumulated into `gradient`,
  /// from `backward` to `backward`, until its owner sets `received` to false. Without one it is a constant,
  /// which costs no product in `backward`. Both must outlive the step, and the tensor must not change between
  /// this and `backward`.
  Var<T> reference(const Versioned<T>& tensor, Gradient<T>* gradient = nullptr);
  Var<T> reference(const Versioned<T>&&, Gradient<T>* = nullptr) = delete;  // would not outlive the step

  /// Walks back from y, a tensor of one element: every variable's gradient becomes ∂y/∂variable. Throws,
  /// naming it and leaving all gradients as they were, if a tensor to which the tape referred before it
  /// recorded y was changed since: values of before the change and after it give the gradient of neither.
  void backward(Var<T> y);

  /// The same for any tensor y and ȳ = cotangent, of y's shape: gradients become Σ ȳ_i ∂y_i/∂variable.
  void backward(Var<T> y, const Tensor<T>& cotangent);

  /// Calls f(Tensor<T>& x̄) in `backward`, once x̄ is complete and before it goes on to what x was computed
  /// from: f may read it or change it. Not called where no gradient reaches x. Of a reference, x̄ is all that
  /// its owner has collected.
  template <class F> void on_gradient(Var<T> x, F f);

  /// Ends the step: its variables become invalid, its buffers are kept for the next.
  void reset();

  /// The number of tensors recorded in this step.
  std::size_t size() const { return size_; }

  /// What the tape is for at present.
  Record recording() const { return record_; }

  /// Whether x is one of them: not of another tape, or an earlier step.
  bool holds(Var<T> x) const { return x.tape_ == this && x.step_ == step_; }

  /// The i-th of them.
  Var<T> operator[](std::size_t i) { return Var<T>(this, static_cast<std::uint32_t>(i), step_); }

  /// The operation that made the i-th of them, or "variable", "constant" or "reference"; and what it was made
  /// of.
  const char* operation(std::size_t i) const { return slots_[i].name; }
  std::span<const std::uint32_t> inputs(std::size_t i) const;

  /// Whether the i-th holds what was recorded: not if it refers to a tensor that was changed since, or is no
  /// more, whose value is not to be read.
  bool is_current(std::size_t i) const;

  /// Where the last `backward` of this step started; empty before any.
  Var<T> backward_start() { return start_ ? (*this)[*start_] : Var<T>(); }

  /// Repeats the last `backward` from there, until stop(y) holds after the derivative of the operation that
  /// made y, and returns this y; empty if it never does. What references have collected is forgotten.
  Var<T> repeat_backward(const std::function<bool(Var<T>)>& stop);

  /// The value of a lazy expression or sum in a buffer of the tape: what an operation, or a derivative, needs
  /// on its way. Valid to the end of the step or, within `backward`, to that of this `backward`.
  template <class E> const Tensor<T>& scratch(const E& expression);
  /// The same for a tensor of this shape that fill(Tensor<T>&) writes.
  template <class F> const Tensor<T>& scratch(const Shape& shape, F fill);

  // What operations record with; see `record` below.
  template <class E, class B>
  Var<T> record(const char* name, std::span<const Var<T>> inputs, const E& expression, B backward);
  template <class F, class B>
  Var<T> record(const char* name, std::span<const Var<T>> inputs, const Shape& shape, F fill, B backward);

 private:
  friend class Var<T>;
  friend class ParametersStopped<T>;

  struct Slot {
    const char* name;
    const Tensor<T>* value;  // own_value, or a tensor outside the tape; likewise the gradient
    Gradient<T>* gradient;
    Callback<Var<T>> backward;
    bool needs_grad;
    bool hooked;               // by on_gradient
    std::uint32_t inputs_end;  // in `inputs_`, where they begin at the end of the slot before
    Tensor<T> own_value;
    Gradient<T> own_gradient;
  };

  struct Reference {
    std::uint32_t slot;
    std::shared_ptr<const typename Versioned<T>::Version> version;  // of the tensor outside the tape, and its
    std::uint64_t recorded;                                         // number when it was referred to
  };

  struct Hook {
    std::uint32_t slot;
    Callback<Tensor<T>&> call;
  };

  struct Buffers {
    detail::StableList<Tensor<T>> tensors;
    std::size_t used = 0;
    Tensor<T>& next() { return used++ < tensors.size() ? tensors[used - 1] : tensors.emplace_back(); }
  };

  [[noreturn]] static void fail_ended();
  Slot& slot(Var<T> x);
  Slot& next_slot(const char* name, bool needs_grad);
  Var<T> last() { return Var<T>(this, static_cast<std::uint32_t>(size_ - 1), step_); }
  Var<T> leaf(const char* name, const Tensor<T>& value, bool needs_grad);
  void require_differentiable(Var<T> y);
  void require_unchanged(const Reference& reference);
  void forget_gradients();
  template <class F> Var<T> walk_back(Var<T> y, F stop);
  bool read(const char* reader, std::span<const Var<T>> inputs);  // whether one needs a gradient

  Record record_;
  detail::StableList<Slot> slots_;  // lazy expressions refer to their tensors
  std::size_t size_ = 0;
  std::uint32_t step_ = 0;
  std::vector<std::uint32_t> inputs_;   // of all slots, one's after another's
  std::optional<std::uint32_t> start_;  // of the last `backward`
  std::vector<Reference> references_;
  detail::StableList<Hook> hooks_;
  std::size_t hook_count_ = 0;
  Buffers scratch_[2];               // of the step, and of `backward`
  bool walking_ = false;             // within `backward`
  const char* running_ = "scratch";  // the operation whose derivative is being evaluated, for error messages
};

/// While it lives, its tape records as `Record::inputs`: a module called meanwhile is a constant function,
/// through which gradients pass to its input.
template <class T> class ParametersStopped {
 public:
  explicit ParametersStopped(Tape<T>& tape) : tape_(tape), before_(tape.record_) {
    if (before_ == Record::gradients) tape.record_ = Record::inputs;
  }
  ~ParametersStopped() { tape_.record_ = before_; }
  ParametersStopped(const ParametersStopped&) = delete;

 private:
  Tape<T>& tape_;
  Record before_;
};

/// "(2, 3), (4)": the inputs' shapes, for error messages.
template <class T> std::string shapes_of(std::span<const Var<T>> inputs);

/// Records y = expression(inputs) under the operation's name. `backward` is called with y once ȳ is complete;
/// it accumulates into each input. It captures Vars and numbers; tensors belong on the tape, as constants.
///
///     // y = tanh x        x̄ += ȳ (1 − y²)
///     template <class T> Var<T> tanh(Var<T> x) {
///       return record("tanh", {x}, xt::tanh(x.value()), [x](Var<T> y) {
///         x.accumulate(y.grad() * (T(1) - xt::square(y.value())));
///       });
///     }
///
/// The expression may also be a lazy sum or maximum (`sum_last`, `sum_to`, `max_to`) of one. Throws
/// "[name] ..." if the inputs lie on different tapes or their shapes do not broadcast.
template <class T, class E, class B>
Var<T> record(const char* name, std::initializer_list<Var<T>> inputs, const E& expression, B backward) {
  return inputs.begin()->tape().record(name, std::span<const Var<T>>(inputs), expression,
                                       std::move(backward));
}

/// The same for values that are no elementwise expression: fill(Tensor<T>& y) writes y, which has this shape.
template <class T, class F, class B> Var<T> record(const char* name, std::initializer_list<Var<T>> inputs,
                                                   const Shape& shape, F fill, B backward) {
  return inputs.begin()->tape().record(name, std::span<const Var<T>>(inputs), shape, fill,
                                       std::move(backward));
}

extern template class Tape<float>;
extern template class Tape<double>;

}  // namespace strata

#include "strata/autograd/tape_inline.hpp"
