#include "strata/nn/batch_norm.hpp"

#include "strata/autograd/arithmetic.hpp"
#include "strata/autograd/normalization.hpp"

namespace strata {

template <class T> BatchNorm<T>::BatchNorm(std::size_t width)
    : gamma{Tensor<T>(Shape{width}, T(1))},
      beta{Tensor<T>(Shape{width}, T(0))},
      running_mean{Tensor<T>(Shape{width}, T(0))},
      running_variance{Tensor<T>(Shape{width}, T(1))} {}

template <class T> Var<T> BatchNorm<T>::operator()(Var<T> x, Context context) const {
  Tape<T>& tape = x.tape();
  if (context.mode == Mode::train) {
    if (!context.group && x.shape().size() > 1 && x.value().size() == x.shape().back())
      fail("BatchNorm",
           "training normalises over the rows of a batch, of which there must be two at least; x is " +
               to_string(x.shape()));
    const auto [y, mean, variance] = batch_norm(x, gamma.on(tape), beta.on(tape), epsilon, context.group);
    if (tape.recording() == Record::inputs) return y;  // a constant model does not move
    const auto move = [this](Tensor<T>& running, const Tensor<T>& now) {
      write(running, decay * running + (T(1) - decay) * now);
    };
    move(running_mean.write(), mean.value());
    move(running_variance.write(), variance.value());
    return y;
  }
  const Shape &in = x.shape(), &width = running_mean.value().shape();
  if (in.size() == 0 || in.back() != width[0])
    fail("BatchNorm", "x is " + to_string(in) + ", the layer's width is " + to_string(width));
  const Var<T> mean = tape.constant(running_mean.value());
  const Var<T> inverse_deviation = tape.constant(T(1) / xt::sqrt(running_variance.value() + epsilon));
  return (x - mean) * (inverse_deviation * gamma.on(tape)) + beta.on(tape);
}

template struct BatchNorm<float>;
template struct BatchNorm<double>;

}  // namespace strata
