// What a module is made of.
#pragma once

#include "autograd/tape.hpp"

namespace strata {

/// A tensor to train. Its gradient is a by-product of tapes, not a part of the model: calls of a const module
/// fill it.
template <class T> struct Parameter {
  Tensor<T> value;
  mutable Gradient<T> gradient;

  /// The parameter as a variable of this step. Using it many times in one step is fine.
  Var<T> on(Tape<T>& tape) const { return tape.reference(value, gradient); }
};

/// A tensor that belongs to the model, and is saved with it, but is not trained: a running mean.
template <class T> struct Buffer { Tensor<T> value; };

/// Training and inference differ in batch normalisation and dropout.
enum class Mode { train, inference };

}  // namespace strata
