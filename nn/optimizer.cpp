#include "nn/optimizer.hpp"

#include <algorithm>
#include <array>

namespace strata {
namespace {

// Applies f(w, g, states...) to the elements begin ... end − 1, by SIMD batches and then one by one.
template <class T, std::size_t N, class F> void update_elements(F& f, T* w, const T* g,
                                                                const std::array<T*, N>& states,
                                                                std::size_t begin, std::size_t end) {
  using Batch = xsimd::batch<T>;
  const auto apply = [&]<class V, std::size_t... I>(V& weight, const V& gradient, std::array<V, N>& memory,
                                                    std::index_sequence<I...>) {
    f(weight, gradient, memory[I]...);
  };
  std::size_t i = begin;
  for (; i + Batch::size <= end; i += Batch::size) {
    Batch weight = Batch::load_unaligned(w + i);
    std::array<Batch, N> memory;
    for (std::size_t s = 0; s < N; ++s) memory[s] = Batch::load_unaligned(states[s] + i);
    apply(weight, Batch::load_unaligned(g + i), memory, std::make_index_sequence<N>());
    weight.store_unaligned(w + i);
    for (std::size_t s = 0; s < N; ++s) memory[s].store_unaligned(states[s] + i);
  }
  for (; i < end; ++i) {
    std::array<T, N> memory;
    for (std::size_t s = 0; s < N; ++s) memory[s] = states[s][i];
    apply(w[i], g[i], memory, std::make_index_sequence<N>());
    for (std::size_t s = 0; s < N; ++s) states[s][i] = memory[s];
  }
}

}  // namespace

template <class T> Optimizer<T>::Optimizer(std::vector<NamedParameter<T>> parameters, Rule rule, double rate)
    : learning_rate(rate), parameters_(std::move(parameters)), rule_(rule) {
  if (parameters_.empty()) fail("Optimizer", "there are no parameters to optimize");
  const std::size_t count = std::visit([](const auto& r) { return r.states; }, rule_);
  for (const auto& [name, parameter] : parameters_)
    states_.push_back(std::vector<Tensor<T>>(count, xt::zeros<T>(parameter->value.shape())));
}

template <class T> void Optimizer<T>::step() {
  std::size_t total = 0;
  for (const auto& [name, parameter] : parameters_) {
    if (!parameter->gradient.received)
      fail("Optimizer",
           "no gradient reached '" + name + "': is it used in the loss, and was backward called?");
    total += parameter->value.size();
  }
  ++steps_;
  std::visit(
      [&](const auto& rule) {
        constexpr std::size_t count = std::decay_t<decltype(rule)>::states;
        const auto update = rule.template update<T>(static_cast<T>(learning_rate), steps_);
        // All parameters end to end are one range, of which each thread takes its share.
        parallel_for(total, detail::parallel_elements, [&](std::size_t begin, std::size_t end) {
          std::size_t first = 0;
          for (std::size_t p = 0; p < parameters_.size() && first < end; ++p) {
            Parameter<T>& parameter = *parameters_[p].parameter;
            const std::size_t size = parameter.value.size();
            const std::size_t from = std::max(begin, first) - first, to = std::min(end, first + size) - first;
            std::array<T*, count> states;
            for (std::size_t s = 0; s < count; ++s) states[s] = states_[p][s].data();
            if (begin < first + size)
              update_elements(update, parameter.value.data(), parameter.gradient.value.data(), states, from,
                              to);
            first += size;
          }
        });
      },
      rule_);
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
