#include "strata/vae/models/baseline.hpp"

#include "strata/autograd/shape.hpp"

namespace strata {
namespace {

template <class T> Var<T> required(Var<T> condition) {
  if (!condition) fail("Baseline", "the model is conditional: give the condition that it was made for");
  return condition;
}

std::size_t required(std::size_t condition) {
  if (condition == 0) fail("Baseline", "needs a condition to tell x from");
  return condition;
}

}  // namespace

template <class T> Baseline<T>::Baseline(const VaeConfig& config, Rng& rng)
    : decoder(detail::make_decoder<T>(detail::completed(config), required(config.condition), config.hidden,
                                      rng)) {}

template <class T> Pass<T> Baseline<T>::pass(const Given<T>& given, const Noise<T>&, Context context) const {
  const auto likelihood = std::visit(
      [&](const auto& head) { return log_prob(head(required(given.condition), context), given.x); }, decoder);
  return {given.samples, repeat_rows(likelihood, given.samples), {}};
}

template <class T>
Var<T> Baseline<T>::decode(const Layers<Var<T>>&, Var<T> condition, const Noise<T>&) const {
  return std::visit([&](const auto& head) { return mean(head(required(condition))); }, decoder);
}

template struct Baseline<float>;
template struct Baseline<double>;

}  // namespace strata
