#include "strata/autograd/tape.hpp"

#include <algorithm>

namespace strata {

template <class T> std::string shapes_of(std::span<const Var<T>> inputs) {
  std::string shapes;
  for (const Var<T> input : inputs) shapes += (shapes.empty() ? "" : ", ") + to_string(input.shape());
  return shapes;
}

template <class T> void Var<T>::fail_empty() {
  fail("Var", "an empty variable is used: it was default-constructed, not made by a tape");
}

template <class T> const Tensor<T>& Var<T>::grad() const {
  const auto& slot = tape().slot(*this);
  if (!slot.gradient->received)
    fail("grad", std::string("no gradient reached this '") + slot.name + "' of shape " +
                     to_string(slot.value->shape()) +
                     (slot.needs_grad ? "; call backward on something that depends on it first"
                                      : "; it is a constant, or depends on constants only"));
  return slot.gradient->value;
}

template <class T> void Var<T>::fail_derivative(const Shape& shape) const {
  fail(tape_->running_,
       "a derivative has shape " + to_string(shape) + ", its input " + to_string(this->shape()));
}

template <class T> void Var<T>::accumulate_sum(const Tensor<T>& derivative) const {
  if (!detail::broadcasts(shape(), derivative.shape())) fail_derivative(derivative.shape());
  accumulate_with([&](Tensor<T>& gradient, T beta) {
    detail::reduce<detail::Sum>(gradient, gradient.shape(), derivative, derivative.shape(),
                                beta == T(0) ? Update::assign : Update::add);
  });
}

template <class T>
void Var<T>::accumulate_at(const Part& part, const Tensor<T>& from, const Part& source) const {
  accumulate_with([&](Tensor<T>& gradient, T beta) {
    const bool overwrites = beta == T(0) && part.count * part.runs == gradient.size();
    if (beta == T(0) && !overwrites) gradient.fill(T(0));
    copy(from, source, gradient, part, overwrites ? Update::assign : Update::add);
  });
}

template <class T> void Tape<T>::fail_ended() {
  fail("Var", "a variable of an earlier step is used: reset() ended that step; make it anew after reset()");
}

template <class T> typename Tape<T>::Slot& Tape<T>::next_slot(const char* name, bool needs_grad) {
  if (size_ == slots_.size()) slots_.emplace_back();
  Slot& slot = slots_[size_++];
  slot.name = name;
  slot.value = &slot.own_value;
  slot.gradient = &slot.own_gradient;
  slot.own_gradient.received = false;
  slot.inputs_end = static_cast<std::uint32_t>(inputs_.size());
  slot.needs_grad = needs_grad;
  slot.hooked = false;
  return slot;
}

template <class T> Var<T> Tape<T>::leaf(const char* name, const Tensor<T>& value, bool needs_grad) {
  next_slot(name, needs_grad).own_value = value;
  return last();
}

template <class T> Var<T> Tape<T>::reference(const Versioned<T>& tensor, Gradient<T>* gradient) {
  Slot& slot = next_slot("reference", gradient != nullptr && record_ == Record::gradients);
  slot.value = &tensor.value_;
  if (gradient != nullptr) slot.gradient = gradient;
  const Var<T> x = last();
  references_.push_back({x.index_, tensor.version_, tensor.version()});
  return x;
}

template <class T> Var<T> Tape<T>::detached(Var<T> x) {
  read("stop_gradient", {&x, 1});
  next_slot("stop_gradient", false).own_value = x.value();
  return last();
}

template <class T> bool Tape<T>::read(const char* reader, std::span<const Var<T>> inputs) {
  bool any_needs_grad = false;
  for (const Var<T> input : inputs) {
    if (&input.tape() != this) fail(reader, "its inputs lie on different tapes; make them all on one");
    any_needs_grad = any_needs_grad || slot(input).needs_grad;
  }
  for (const Var<T> input : inputs) inputs_.push_back(input.index_);
  return any_needs_grad;
}

template <class T> std::span<const std::uint32_t> Tape<T>::inputs(std::size_t i) const {
  const std::size_t begin = i == 0 ? 0 : slots_[i - 1].inputs_end;
  return std::span(inputs_).subspan(begin, slots_[i].inputs_end - begin);
}

template <class T> bool Tape<T>::is_current(std::size_t i) const {
  return std::none_of(references_.begin(), references_.end(), [i](const Reference& reference) {
    return reference.slot == i && reference.version->number != reference.recorded;
  });
}

template <class T> void Tape<T>::require_unchanged(const Reference& reference) {
  const auto& [number, name] = *reference.version;
  if (number == reference.recorded) return;
  std::string reader = "backward";  // or the last operation that reads it
  for (std::size_t i = 0; i < size_; ++i)
    for (const std::uint32_t input : inputs(i))
      if (input == reference.slot) reader = slots_[i].name;
  const std::string tensor =
      (name.empty() ? "a tensor" : "the tensor '" + name + "'") + " that '" + reader + "' reads was ";
  if (number == Versioned<T>::ended)
    fail("backward", tensor + "destroyed since the tape refers to it; it must outlive the step");
  fail("backward", tensor + "changed since the tape refers to it, and is " +
                       to_string(slots_[reference.slot].value->shape()) +
                       " now; call backward before the optimizer's step or any other write, or record the "
                       "forward pass again");
}

template <class T> void Tape<T>::require_differentiable(Var<T> y) {
  if (&y.tape() != this) fail("backward", "y lies on another tape; call that tape's backward");
  Slot& last = slot(y);
  if (!last.needs_grad)
    fail("backward", std::string("this '") + last.name + "' depends on nothing that needs a gradient" +
                         (record_ == Record::values ? ": the tape records values only" : ""));
  for (const Reference& reference : references_)
    if (reference.slot <= y.index_) require_unchanged(reference);
}

template <class T> void Tape<T>::forget_gradients() {
  for (std::size_t i = 0; i < size_; ++i) slots_[i].own_gradient.received = false;
}

template <class T> template <class F> Var<T> Tape<T>::walk_back(Var<T> y, F stop) {
  start_ = y.index_;
  const struct Walk {
    bool& on;
    ~Walk() { on = false; }
  } walk{walking_};
  walk.on = true;
  scratch_[1].used = 0;
  for (std::size_t i = y.index_ + std::size_t{1}; i-- > 0;) {
    Slot& slot = slots_[i];
    if (!slot.needs_grad || !slot.gradient->received) continue;
    running_ = slot.name;
    for (std::size_t k = 0; slot.hooked && k < hook_count_; ++k)
      if (hooks_[k].slot == i) hooks_[k].call(slot.gradient->value);
    if (slot.backward) slot.backward((*this)[i]);
    if (stop((*this)[i])) return (*this)[i];
  }
  return {};
}

template <class T> Var<T> Tape<T>::repeat_backward(const std::function<bool(Var<T>)>& stop) {
  const Var<T> y = backward_start();
  require_differentiable(y);
  const Tensor<T> cotangent = y.grad();
  for (std::size_t i = 0; i < size_; ++i) slots_[i].gradient->received = false;
  y.accumulate(cotangent);
  const Var<T> stopped = walk_back(y, stop);
  for (std::size_t i = 0; i < size_; ++i)
    if (slots_[i].gradient != &slots_[i].own_gradient) slots_[i].gradient->received = false;
  return stopped;
}

template <class T> void Tape<T>::backward(Var<T> y) {
  require_differentiable(y);
  if (y.value().size() != 1)
    fail("backward", "needs a scalar, but y is " + to_string(y.shape()) +
                         "; reduce it with sum or mean, or give a cotangent of its shape");
  forget_gradients();
  y.accumulate_with([](Tensor<T>& gradient, T beta) {
    T& slope = *gradient.data();
    slope = beta == T(0) ? T(1) : slope + T(1);  // not 0 times whatever the memory held
  });
  walk_back(y, [](Var<T>) { return false; });
}

template <class T> void Tape<T>::backward(Var<T> y, const Tensor<T>& cotangent) {
  require_differentiable(y);
  if (cotangent.shape() != y.shape())
    fail("backward", "the cotangent is " + to_string(cotangent.shape()) + ", y is " + to_string(y.shape()));
  forget_gradients();
  y.accumulate(cotangent);
  walk_back(y, [](Var<T>) { return false; });
}

template <class T> void Tape<T>::reset() {
  for (std::size_t i = 0; i < size_; ++i) slots_[i].backward.clear();
  for (std::size_t k = 0; k < hook_count_; ++k) hooks_[k].call.clear();
  references_.clear();
  size_ = hook_count_ = scratch_[0].used = 0;
  inputs_.clear();
  start_.reset();
  ++step_;
}

template std::string shapes_of(std::span<const Var<float>>);
template std::string shapes_of(std::span<const Var<double>>);
template void Var<float>::accumulate(const Tensor<float>&) const;
template void Var<double>::accumulate(const Tensor<double>&) const;
template class Var<float>;
template class Var<double>;
template class Tape<float>;
template class Tape<double>;

}  // namespace strata
