// How a rule of gradient descent meets the elements of a parameter.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <variant>
#include <vector>

#include "strata/tensor/expression.hpp"

namespace strata::detail {

/// Some elements of a parameter: weights, gradients, and what the rule remembers of each.
template <class T> struct Elements {
  T* weight;
  const T* gradient;
  std::vector<Tensor<T>>* states;  // of the whole parameter
  std::size_t begin, end;
};

/// A rule for any elements: update(η, step, elements).
template <class T> struct ElementUpdate {
  std::size_t states;
  std::function<void(T, std::uint64_t, const Elements<T>&)> update;
};

/// v, or 0 where it is subnormal: after many zero gradients a moment would be, and slow from then on.
template <class T, class V> V flushed(V v) {
  return select(xsimd::abs(v) < V(std::numeric_limits<T>::min()), V(T(0)), v);
}

// Applies f(w, g, states...) to the elements, by SIMD batches and then one by one.
// By value: what is written might otherwise lie over the constants and pointers, which were read again each
// time.
template <std::size_t N, class T, class F> void update_elements(F f, Elements<T> e) {
  using Batch = xsimd::batch<T>;
  std::array<T*, N> states;
  for (std::size_t s = 0; s < N; ++s) states[s] = (*e.states)[s].data();
  const auto apply = [&]<class V, std::size_t... I>(V& weight, const V& gradient, std::array<V, N>& memory,
                                                    std::index_sequence<I...>) {
    f(weight, gradient, memory[I]...);
  };
  std::size_t i = e.begin;
  for (; i + Batch::size <= e.end; i += Batch::size) {
    Batch weight = Batch::load_unaligned(e.weight + i);
    std::array<Batch, N> memory;
    for (std::size_t s = 0; s < N; ++s) memory[s] = Batch::load_unaligned(states[s] + i);
    apply(weight, Batch::load_unaligned(e.gradient + i), memory, std::make_index_sequence<N>());
    weight.store_unaligned(e.weight + i);
    for (std::size_t s = 0; s < N; ++s) flushed<T>(memory[s]).store_unaligned(states[s] + i);
  }
  for (; i < e.end; ++i) {
    std::array<T, N> memory;
    for (std::size_t s = 0; s < N; ++s) memory[s] = states[s][i];
    apply(e.weight[i], e.gradient[i], memory, std::make_index_sequence<N>());
    for (std::size_t s = 0; s < N; ++s) states[s][i] = flushed<T>(memory[s]);
  }
}

template <class T, class R> ElementUpdate<T> element_update(const R& rule) {
  return {R::states, [rule](T eta, std::uint64_t step, const Elements<T>& elements) {
            update_elements<R::states>(rule.template update<T>(eta, step), elements);
          }};
}

/// The same for a choice of rules.
template <class T, class... R> ElementUpdate<T> element_update(const std::variant<R...>& rule) {
  return std::visit([](const auto& chosen) { return element_update<T>(chosen); }, rule);
}

}  // namespace strata::detail
