#include "strata/vae/objective.hpp"

#include <cmath>

#include "strata/autograd/elementwise.hpp"
#include "strata/autograd/reduce.hpp"
#include "strata/autograd/shape.hpp"

namespace strata {
namespace {

// A weight as T holds it.
template <class T> T at_least_zero(const char* what, double value) {
  const T weight = static_cast<T>(value);
  if (!(weight >= 0 && std::isfinite(weight)))
    fail("objective",
         std::string(what) + " is " + std::to_string(value) + "; it must be at least 0 and finite");
  return weight;
}

template <class T> Var<T> without_penalty(Var<T> bound, const Pass<T>& pass, double weight) {
  return pass.penalty ? bound - static_cast<T>(weight) * mean(pass.penalty) : bound;
}

}  // namespace

template <class T> Var<T> importance_weighted_bound(Var<T> log_weights, std::size_t samples) {
  const auto by_image = reshape(log_weights, {-1, static_cast<std::ptrdiff_t>(samples)});
  return logsumexp(by_image) - std::log(static_cast<T>(samples));
}

template <class T> Var<T> objective(const Elbo& options, const Pass<T>& pass) {
  const T beta = at_least_zero<T>("beta", options.beta);
  const T free_bits = at_least_zero<T>("free_bits", options.free_bits);
  if (free_bits == 0) return without_penalty(mean(pass.elbo(beta)), pass, options.penalty);
  auto total = mean(pass.log_likelihood);
  for (const Layer<T>& layer : pass.layers) {
    const auto cost = mean(layer.divergence());
    const auto free = cost.tape().constant(Shape{}, [=](Tensor<T>& c) { c.fill(free_bits); });
    total = total - beta * maximum(cost, free);
  }
  return without_penalty(total, pass, options.penalty);
}

template <class T> Var<T> objective(const Iwae& options, const Pass<T>& pass) {
  const auto log_weight = pass.log_weight(at_least_zero<T>("beta", options.beta));
  return without_penalty(mean(importance_weighted_bound(log_weight, pass.samples)), pass, options.penalty);
}

#define STRATA_INSTANTIATE(T)                                     \
  template Var<T> importance_weighted_bound(Var<T>, std::size_t); \
  template Var<T> objective(const Elbo&, const Pass<T>&);         \
  template Var<T> objective(const Iwae&, const Pass<T>&);
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)

}  // namespace strata
