// Where a pass through a model takes its random numbers from.
#pragma once

#include <functional>
#include <vector>

#include "strata/autograd/tape.hpp"
#include "strata/tensor/random.hpp"

namespace strata {

/// A source of independent draws from N(0, 1), of which all other draws are made. A model asks for the noise
/// of its layers bottom up, one call a layer; who calls the model decides what it is: an `Rng` in training,
/// addressed draws in likelihood estimation, zeros for the mean of every factor, given numbers in a test.
template <class T> class Noise {
 public:
  using Fill = std::function<void(Tensor<T>&)>;
  using Make = std::function<Var<T>(Tape<T>&, const Shape&)>;

  /// New draws; `rng` must outlive the noise.
  Noise(Rng& rng)
      : make_([&rng](Tape<T>& tape, const Shape& shape) {
          return tape.constant(shape, [&rng](Tensor<T>& x) { fill_normal(rng, x); });
        }) {}
  /// Whatever `fill` writes.
  explicit Noise(Fill fill)
      : make_([fill = std::move(fill)](Tape<T>& tape, const Shape& shape) {
          return tape.constant(shape, [&fill](Tensor<T>& x) { fill(x); });
        }) {}
  /// Whatever `make` returns: a variable of the asked shape on the asked tape, through which gradients may
  /// flow.
  explicit Noise(Make make) : make_(std::move(make)) {}

  /// Zeros: every draw is the mean of a symmetric distribution.
  static Noise zero() {
    return Noise([](Tensor<T>& x) { x.fill(T(0)); });
  }

  /// These numbers, one tensor a call. A call throws if there is none left, or if it has another shape.
  static Noise given(std::vector<Tensor<T>> draws);

  /// Independent draws from N(0, 1) of this shape.
  Var<T> normal(Tape<T>& tape, const Shape& shape) const { return make_(tape, shape); }

  /// Independent draws, uniform on (0, 1), as a constant: Φ of normal ones.
  Var<T> uniform(Tape<T>& tape, const Shape& shape) const;

 private:
  Make make_;
};

extern template class Noise<float>;
extern template class Noise<double>;

}  // namespace strata
