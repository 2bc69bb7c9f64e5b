#include "strata/vae/priors.hpp"

#include <cmath>

#include "strata/autograd/reduce.hpp"

namespace strata {

template <class T> MixturePrior<T>::MixturePrior(std::size_t components, std::size_t width, Rng& rng)
    : logits{xt::zeros<T>({components})},
      mean{Tensor<T>::from_shape({components, width})},
      log_variance{xt::zeros<T>({components, width})} {
  fill_normal(rng, mean.write());
}

template <class T> Mixture<T> MixturePrior<T>::on(Tape<T>& tape) const {
  return {{mean.on(tape), log_variance.on(tape)}, log_softmax(logits.on(tape))};
}

template <class T>
VampPrior<T>::VampPrior(std::size_t components, std::size_t width, std::optional<Interval> within, Rng& rng)
    : pseudo_inputs{Tensor<T>::from_shape({components, width})}, range(within) {
  fill_normal(rng, pseudo_inputs.write());
  if (range) pseudo_inputs.write() = T(0.05) + T(0.01) * pseudo_inputs.value();
}

template <class T> void VampPrior<T>::start_at(const Tensor<T>& inputs) {
  const Shape& shape = pseudo_inputs.value().shape();
  if (inputs.shape() != shape)
    fail("VampPrior",
         "it has pseudo-inputs " + to_string(shape) + ", and is to start at " + to_string(inputs.shape()));
  pseudo_inputs.write() = inputs;
}

template <class T> Mixture<T> VampPrior<T>::mixture(const Normal<T>& components) {
  const T count = static_cast<T>(components.mean.shape()[0]);
  return {components,
          components.mean.tape().constant(Shape{1}, [&](Tensor<T>& w) { w.fill(-std::log(count)); })};
}

template <class T> MixturePrior<T> VampPrior<T>::constant(const Mixture<T>& mixture) {
  const auto& [mean, log_variance] = mixture.components;
  Rng rng;
  MixturePrior<T> prior(mean.shape()[0], mean.shape()[1], rng);
  prior.mean.write() = mean.value();
  prior.log_variance.write() = log_variance.value();
  return prior;
}

template struct MixturePrior<float>;
template struct MixturePrior<double>;
template struct VampPrior<float>;
template struct VampPrior<double>;

}  // namespace strata
