#include "strata/nn/optimizer.hpp"

#include <algorithm>
#include <cmath>

#include "strata/tensor/expression.hpp"

namespace strata {

template <class T> void Optimizer<T>::make_states() {
  if (parameters_.empty()) fail("Optimizer", "there are no parameters to optimize");
  for (const auto& [name, parameter] : parameters_)
    states_.push_back(std::vector<Tensor<T>>(update_.states, xt::zeros<T>(parameter->value.shape())));
}

template <class T> void Optimizer<T>::step() {
  std::size_t total = 0;
  for (const auto& [name, parameter] : parameters_) {
    if (!parameter->frozen && !parameter->gradient.received)
      fail("Optimizer",
           "no gradient reached '" + name + "': is it used in the loss, and was backward called?");
    total += parameter->value.size();
  }
  ++steps_;
  // All parameters end to end are one range, of which each thread takes its share.
  parallel_for(total, detail::parallel_elements, [&](std::size_t begin, std::size_t end) {
    std::size_t first = 0;
    for (std::size_t p = 0; p < parameters_.size() && first < end; ++p) {
      Parameter<T>& parameter = *parameters_[p].parameter;
      const std::size_t size = parameter.value.size();
      if (begin < first + size && !parameter.frozen)
        update_.update(static_cast<T>(learning_rate), steps_,
                       {parameter.value.data(), parameter.gradient.value.data(), &states_[p],
                        std::max(begin, first) - first, std::min(end, first + size) - first});
      first += size;
    }
  });
  for (const auto& [name, parameter] : parameters_) parameter->gradient.received = false;
}

template <class T>
double clip_gradient_norm(const std::vector<NamedParameter<T>>& parameters, double max_norm) {
  if (!(max_norm > 0))
    fail("clip_gradient_norm", "max_norm is " + std::to_string(max_norm) + "; it must be above 0");
  double squares = 0;
  for (const auto& [name, parameter] : parameters)
    if (parameter->gradient.received)
      for (const T g : parameter->gradient.value) squares += static_cast<double>(g) * static_cast<double>(g);
  const double norm = std::sqrt(squares);
  if (norm > max_norm)
    for (const auto& [name, parameter] : parameters)
      if (parameter->gradient.received) parameter->gradient.value *= static_cast<T>(max_norm / norm);
  return norm;
}

#define STRATA_INSTANTIATE(T)  \
  template class Optimizer<T>; \
  template double clip_gradient_norm(const std::vector<NamedParameter<T>>&, double);
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)

}  // namespace strata
