#include "strata/vae/flows.hpp"

#include "strata/autograd/arithmetic.hpp"
#include "strata/autograd/elementwise.hpp"
#include "strata/autograd/reduce.hpp"
#include "strata/autograd/shape.hpp"

namespace strata {
namespace {

std::size_t at_least_two(const char* step, std::size_t width) {
  if (width < 2) fail(step, "moves at least two components");
  return width;
}

// From units of some degrees to others: a unit reads those whose degree is not above its own or, strictly,
// below.
template <class T> MaskedLinear<T> masked(const std::vector<std::size_t>& from,
                                          const std::vector<std::size_t>& to, bool strictly, Init init,
                                          Rng& rng) {
  MaskedLinear<T> layer{{from.size(), to.size(), init, rng}, Tensor<T>::from_shape({from.size(), to.size()})};
  for (std::size_t i = 0; i < from.size(); ++i)
    for (std::size_t j = 0; j < to.size(); ++j) layer.mask(i, j) = from[i] + strictly <= to[j];
  return layer;
}

}  // namespace

template <class T> Coupling<T>::Coupling(std::size_t width, const std::vector<std::size_t>& hidden,
                                         const MlpOptions& options, Rng& rng)
    : body(at_least_two("Coupling", width) / 2, hidden, options, rng),
      scale(body.width(width / 2), width - width / 2, Init::zero, rng),
      shift(body.width(width / 2), width - width / 2, Init::zero, rng) {}

template <class T> Moved<T> Coupling<T>::operator()(Var<T> z) const {
  const std::size_t width = z.shape()[1], half = width / 2;
  const auto a = slice(z, 1, 0, half), b = slice(z, 1, half, width), h = body(a), s = tanh(scale(h));
  return {concatenate({b * exp(s) + shift(h), a}, 1), sum(s, {1})};
}

template <class T> Moved<T> Coupling<T>::inverse(Var<T> moved) const {
  const std::size_t width = moved.shape()[1], rest = width - width / 2;
  const auto b = slice(moved, 1, 0, rest), a = slice(moved, 1, rest, width), h = body(a), s = tanh(scale(h));
  return {concatenate({a, (b - shift(h)) * exp(-s)}, 1), sum(s, {1})};
}

template <class T> Var<T> MaskedLinear<T>::operator()(Var<T> x) const {
  Tape<T>& tape = x.tape();
  return affine(x, map.weight.on(tape) * tape.constant(mask), map.bias.on(tape));
}

template <class T>
Autoregressive<T>::Autoregressive(std::size_t width, const std::vector<std::size_t>& hidden_widths,
                                  const MlpOptions& options, bool backwards, Rng& rng)
    : mean{{1, 1, Init::zero, rng}, {}}, gate(mean), activation_(options.activation) {
  at_least_two("Autoregressive", width);
  std::vector<std::size_t> components, before;  // their degrees
  for (std::size_t i = 0; i < width; ++i) components.push_back(backwards ? width - i : i + 1);
  before = components;
  const Init init = options.init.value_or(suitable_init(options.activation));
  for (const std::size_t units : hidden_widths) {
    std::vector<std::size_t> degrees;
    for (std::size_t h = 0; h < units; ++h) degrees.push_back(1 + h % (width - 1));
    hidden.push_back(masked<T>(before, degrees, false, init, rng));
    before = degrees;
  }
  mean = masked<T>(before, components, true, Init::zero, rng);
  gate = masked<T>(before, components, true, Init::zero, rng);
  gate.map.bias.write().fill(T(2));
}

template <class T> Moved<T> Autoregressive<T>::operator()(Var<T> z) const {
  auto h = z;
  for (const auto& layer : hidden) h = activate(activation_, layer(h));
  const auto g = gate(h), s = sigmoid(g);
  return {s * z + (T(1) - s) * mean(h), sum(log_sigmoid(g), {1})};
}

#define STRATA_INSTANTIATE(T)      \
  template struct Coupling<T>;     \
  template struct MaskedLinear<T>; \
  template struct Autoregressive<T>;
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)

}  // namespace strata
