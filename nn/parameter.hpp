// What a module is made of, and what it is called with.
#pragma once

#include "strata/autograd/tape.hpp"
#include "strata/tensor/group.hpp"

namespace strata {

/// A tensor to train. Its gradient is a by-product of tapes, not a part of the model: calls of a const module
/// fill it. A frozen one is a constant of the model for the time being: no gradient flows into it.
///
///     Parameter<double> weight{normals({3, 2})};
///     weight.value()(0, 1);        // reads
///     weight.write()(0, 1) = 2;    // writes: a tape that refers to the weight now refuses `backward`
template <class T> struct Parameter : Versioned<T> {
  mutable Gradient<T> gradient = {};
  bool frozen = false;

  /// The parameter as a variable of this step. Using it many times in one step is fine.
  Var<T> on(Tape<T>& tape) const { return tape.reference(*this, frozen ? nullptr : &gradient); }
};

/// A tensor that belongs to the model, and is saved with it, but is not trained: a running mean. It is a
/// mutable member where calls of a const module move it, in training.
template <class T> struct Buffer : Versioned<T> {};

/// Training and inference differ in batch normalisation and dropout.
enum class Mode { train, inference };

/// What a module is called with beside its input. Inference needs nothing of it: `module(x)`.
struct Context {
  Mode mode = Mode::inference;
  Rng* rng = nullptr;      ///< of dropout; where nothing is dropped none is needed
  Group* group = nullptr;  ///< whose processes have the batch's other rows, where there are such
};

/// The context of a training step: `module(x, training(rng))`.
inline Context training(Rng& rng, Group* group = nullptr) { return {Mode::train, &rng, group}; }

}  // namespace strata
