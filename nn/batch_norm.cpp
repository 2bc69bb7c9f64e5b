#include "nn/batch_norm.hpp"

#include "autograd/arithmetic.hpp"
#include "autograd/normalization.hpp"

namespace strata {

template <class T> BatchNorm<T>::BatchNorm(std::size_t width)
    : gamma{Tensor<T>(Shape{width}, T(1))},
      beta{Tensor<T>(Shape{width}, T(0))},
      running_mean{Tensor<T>(Shape{width}, T(0))},
      running_variance{Tensor<T>(Shape{width}, T(1))} {}

template <class T> Var<T> BatchNorm<T>::operator()(Var<T> x, Context context) const {
  Tape<T>& tape = x.tape();
  if (context.mode == Mode::train) {
    const Var<T> statistics = batch_statistics(x);
    if (x.shape()[0] == 1)
      fail("BatchNorm",
           "training normalises over the rows of a batch, of which there must be two at least; x is " +
               to_string(x.shape()));
    const std::size_t width = running_mean.value.size();
    const auto y = batch_norm(x, gamma.on(tape), beta.on(tape), statistics, epsilon);
    for (std::size_t j = 0; j < width; ++j) {
      const T mean = statistics.value()(0, j), variance = statistics.value()(1, j);
      running_mean.value(j) = decay * running_mean.value(j) + (T(1) - decay) * mean;
      running_variance.value(j) = decay * running_variance.value(j) + (T(1) - decay) * variance;
    }
    return y;
  }
  const Var<T> mean = tape.constant(running_mean.value);
  const Var<T> inverse_deviation = tape.constant(running_variance.value.shape(), [&](Tensor<T>& s) {
    xt::noalias(s) = T(1) / xt::sqrt(running_variance.value + epsilon);
  });
  return (x - mean) * (inverse_deviation * gamma.on(tape)) + beta.on(tape);
}

template struct BatchNorm<float>;
template struct BatchNorm<double>;

}  // namespace strata
