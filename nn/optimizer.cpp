#include "strata/nn/optimizer.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <map>
#include <numeric>
#include <sstream>

#include "strata/autograd/non_finite.hpp"
#include "strata/tensor/expression.hpp"

namespace strata {
namespace {

// Σ g², which is finite where every g² is and they are not too many near the type's largest number.
template <class T> T square_sum(const T* g, std::size_t begin, std::size_t end) {
  using Batch = xsimd::batch<T>;
  constexpr std::size_t chains = 4;  // additions that need not wait for each other
  std::array<Batch, chains> squares;
  squares.fill(Batch(T(0)));
  std::size_t i = begin;
  for (; i + chains * Batch::size <= end; i += chains * Batch::size)
    for (std::size_t c = 0; c < chains; ++c) {
      const Batch v = Batch::load_unaligned(g + i + c * Batch::size);
      squares[c] += v * v;
    }
  alignas(Batch) T lanes[Batch::size];
  (squares[0] + squares[1] + squares[2] + squares[3]).store_aligned(lanes);
  T total = std::accumulate(lanes, lanes + Batch::size, T(0));
  for (; i < end; ++i) total += g[i] * g[i];
  return total;
}

// Calls f(parameter, begin, end) with the elements of all parameters, each thread its share: end to end they
// are one range. Passes over frozen ones.
template <class T, class F> void for_each_share(const std::vector<NamedParameter<T>>& parameters, F f) {
  std::size_t total = 0;
  for (const auto& [name, parameter] : parameters) total += parameter->value().size();
  parallel_for(total, detail::parallel_elements, [&](std::size_t begin, std::size_t end) {
    std::size_t first = 0;
    for (std::size_t p = 0; p < parameters.size() && first < end; ++p) {
      const std::size_t size = parameters[p].parameter->value().size();
      if (begin < first + size && !parameters[p].parameter->frozen)
        f(p, std::max(begin, first) - first, std::min(end, first + size) - first);
      first += size;
    }
  });
}

template <class T> std::string text(T x) {
  std::ostringstream out;
  out << x;
  return out.str();
}

// Throws, naming the first such element, unless the square of every gradient that was received is finite.
template <class T>
void require_finite_squares(const char* operation, const std::vector<NamedParameter<T>>& parameters) {
  std::atomic<bool> finite = true;
  for_each_share(parameters, [&](std::size_t p, std::size_t begin, std::size_t end) {
    const Gradient<T>& gradient = parameters[p].parameter->gradient;
    if (gradient.received && !std::isfinite(square_sum(gradient.value.data(), begin, end))) finite = false;
  });
  if (finite) return;
  for (const auto& [name, parameter] : parameters) {
    if (parameter->frozen || !parameter->gradient.received) continue;
    const Tensor<T>& g = parameter->gradient.value;
    const auto wrong = std::find_if(g.begin(), g.end(), [](T v) { return !std::isfinite(v * v); });
    if (wrong != g.end())
      throw NonFinite(
          "[" + std::string(operation) + "] the gradient of '" + name + "' is " + text(*wrong) +
          " at element " + std::to_string(wrong - g.begin()) + " of " + to_string(g.shape()) +
          (std::isfinite(*wrong)
               ? ", too large to square; nothing was changed"
               : "; nothing was changed, and explain_non_finite(tape) tells where it comes from"));
  }
}

}  // namespace

template <class T> void Optimizer<T>::make_states() {
  if (parameters_.empty()) fail("Optimizer", "there are no parameters to optimize");
  std::map<const Parameter<T>*, std::string> seen;
  for (const auto& [name, parameter] : parameters_) {
    const auto [place, is_new] = seen.emplace(parameter, name);
    if (!is_new)
      fail("Optimizer", "'" + name + "' and '" + place->second +
                            "' are one parameter, which would be updated twice; give it once");
  }
  weights_.resize(parameters_.size());
  for (const auto& [name, parameter] : parameters_) {
    parameter->set_name(name);
    states_.push_back(std::vector<Tensor<T>>(update_.states, xt::zeros<T>(parameter->value().shape())));
  }
}

template <class T> void Optimizer<T>::step() {
  if (!(learning_rate >= 0 && std::isfinite(learning_rate)))
    fail("Optimizer",
         "the learning rate is " + std::to_string(learning_rate) + "; it must be at least 0 and finite");
  for (const auto& [name, parameter] : parameters_)
    if (!parameter->frozen && !parameter->gradient.received)
      fail("Optimizer",
           "no gradient reached '" + name + "': is it used in the loss, and was backward called?");
  require_finite_squares("Optimizer", parameters_);
  ++steps_;
  for (std::size_t p = 0; p < weights_.size(); ++p)
    if (!parameters_[p].parameter->frozen) weights_[p] = parameters_[p].parameter->write().data();
  for_each_share(parameters_, [&](std::size_t p, std::size_t begin, std::size_t end) {
    const T* gradient = parameters_[p].parameter->gradient.value.data();
    update_.update(static_cast<T>(learning_rate), steps_, {weights_[p], gradient, &states_[p], begin, end});
  });
  for (const auto& [name, parameter] : parameters_) parameter->gradient.received = false;
}

template <class T>
double clip_gradient_norm(const std::vector<NamedParameter<T>>& parameters, double max_norm) {
  if (!(max_norm > 0))
    fail("clip_gradient_norm", "max_norm is " + std::to_string(max_norm) + "; it must be above 0");
  require_finite_squares("clip_gradient_norm", parameters);
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
