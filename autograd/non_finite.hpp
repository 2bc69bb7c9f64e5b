// Where numbers stop being finite: read off a tape after the fact, since it keeps every value and can go back
// again. Nothing is checked, and nothing costs time, before something is wrong.
#pragma once

#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>

#include "strata/autograd/tape.hpp"

namespace strata {

/// Thrown where a number that must be finite is not: a loss, a gradient, an estimate.
class NonFinite : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What a message calls the tensors of a step.
template <class T> struct Names {
  std::map<const void*, std::string> tensors = {};  ///< those outside the tape, by address: `paths(model)`
  std::vector<std::pair<std::string, Var<T>>> terms = {};  ///< what the loss is made of: "reconstruction"
};

/// The first operation whose result is not finite although all that it read is; or a tensor that was not
/// finite when the step began.
template <class T> struct Origin {
  Var<T> result;            // of the operation
  Var<T> input = {};        // whose gradient it makes not finite; empty where the value of `result` is not
  Tensor<T> gradient = {};  // the input's, as far as it was summed
};

/// Where the numbers of this step stop being finite: on the way to a term, or to where the last `backward`
/// started, or to what was recorded last and is not finite; else in the derivatives of that `backward`, which
/// it repeats: what references have collected is forgotten, hooks are called again. Nothing if all are
/// finite. A gradient beyond `largest` counts as infinite: √max of T where gradients are squared.
template <class T> std::optional<Origin<T>> find_non_finite(Tape<T>& tape, const Names<T>& names = {},
                                                            T largest = std::numeric_limits<T>::max());

/// The same in words: the operation, what it read, from which modules and in which range, and the terms that
/// it goes into. Empty if all numbers are finite.
///
///     tape.backward(loss);
///     try {
///       optimizer.step();
///     } catch (const NonFinite& error) {
///       std::cerr << explain_non_finite(tape, Names<float>{paths(model)});
///     }
template <class T> std::string explain_non_finite(Tape<T>& tape, const Names<T>& names = {},
                                                  T largest = std::numeric_limits<T>::max());

}  // namespace strata
