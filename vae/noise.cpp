#include "strata/vae/noise.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>

namespace strata {

template <class T> Noise<T> Noise<T>::given(std::vector<Tensor<T>> draws) {
  struct Queue {
    std::vector<Tensor<T>> draws;
    std::size_t next = 0;
  };
  return Noise([queue = std::make_shared<Queue>(Queue{std::move(draws)})](Tensor<T>& x) {
    if (queue->next == queue->draws.size())
      fail("Noise", "noise is given for " + std::to_string(queue->next) + " layers; the model has more");
    const Tensor<T>& draw = queue->draws[queue->next++];
    if (draw.shape() != x.shape())
      fail("Noise", "the noise given for layer " + std::to_string(queue->next) + " is " +
                        to_string(draw.shape()) + ", the model needs " + to_string(x.shape()));
    x = draw;
  });
}

// u = Φ(ε) = ½ erfc(−ε / √2)
template <class T> Var<T> Noise<T>::uniform(Tape<T>& tape, const Shape& shape) const {
  const auto epsilon = normal(tape, shape);
  return tape.constant(shape, [&](Tensor<T>& u) {
    std::transform(epsilon.value().begin(), epsilon.value().end(), u.begin(),
                   [](T e) { return T(0.5) * std::erfc(-e / std::numbers::sqrt2_v<T>); });
  });
}

template class Noise<float>;
template class Noise<double>;

}  // namespace strata
