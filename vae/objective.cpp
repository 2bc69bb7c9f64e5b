#include "strata/vae/objective.hpp"

#include <cmath>
#include <limits>

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

template <class T> void require_split(const char* name, const Pass<T>& pass) {
  for (const Layer<T>& layer : pass.layers)
    if (!layer.drawn)
      fail(name,
           "the pass does not split its paths; set Given::paths by paths_of, make layers by draw_layer");
}

template <class T> std::size_t group_size(const char* name, const Pass<T>& pass, std::size_t groups) {
  if (groups == 0 || pass.samples % groups != 0)
    fail(name, std::to_string(pass.samples) + " draws do not make " + std::to_string(groups) +
                   " groups of one size");
  return pass.samples / groups;
}

// (B): (B / samples, samples)
template <class T> Var<T> in_rows(Var<T> x, std::size_t samples) {
  return reshape(x, {-1, static_cast<std::ptrdiff_t>(samples)});
}

// z̄ becomes factor (B) ⊙ z̄ on its way to the draw, and by that to φ; θ has its gradient before.
template <class T> void scale_encoder(const Pass<T>& pass, Var<T> factor) {
  for (const Layer<T>& layer : pass.layers)
    layer.z.tape().on_gradient(
        layer.z, [factor](Tensor<T>& gradient) { write(gradient, column(factor.value()) * gradient); });
}

}  // namespace

template <class T> Var<T> importance_weighted_bound(Var<T> log_weights, std::size_t samples) {
  return logsumexp(in_rows(log_weights, samples)) - std::log(static_cast<T>(samples));
}

template <class T> Var<T> objective(const Elbo& options, const Pass<T>& pass) {
  const T beta = at_least_zero<T>("beta", options.beta);
  const T free_bits = at_least_zero<T>("free_bits", options.free_bits);
  if (free_bits == 0) return without_penalty(mean(pass.elbo(beta)), pass, options.penalty);
  auto total = mean(pass.log_likelihood);
  for (const Layer<T>& layer : pass.layers) {
    const auto cost = pass.batch_mean(layer.divergence());
    const auto free = cost.tape().constant(Shape{}, [=](Tensor<T>& c) { c.fill(free_bits); });
    total = total - beta * maximum(cost, free);
  }
  return without_penalty(total, pass, options.penalty);
}

template <class T> Var<T> objective(const Iwae& options, const Pass<T>& pass) {
  const auto log_weight = pass.log_weight(at_least_zero<T>("beta", options.beta));
  return without_penalty(mean(importance_weighted_bound(log_weight, pass.samples)), pass, options.penalty);
}

template <class T> Var<T> objective(const StickingTheLanding& options, const Pass<T>& pass) {
  require_split("StickingTheLanding", pass);
  return without_penalty(mean(pass.log_weight(at_least_zero<T>("beta", options.beta))), pass,
                         options.penalty);
}

template <class T> Var<T> objective(const Dreg& options, const Pass<T>& pass) {
  require_split("Dreg", pass);
  const T beta = at_least_zero<T>("beta", options.beta);
  const auto log_weight = pass.log_weight(beta);
  const auto w = softmax(in_rows(stop_gradient(log_weight), pass.samples));
  scale_encoder(pass, reshape((T(1) - beta) + beta * w, log_weight.shape()));
  return without_penalty(mean(importance_weighted_bound(log_weight, pass.samples)), pass, options.penalty);
}

template <class T> Var<T> objective(const Miwae& options, const Pass<T>& pass) {
  const auto bounds = importance_weighted_bound(pass.log_weight(at_least_zero<T>("beta", options.beta)),
                                                group_size("Miwae", pass, options.groups));
  return without_penalty(mean(bounds), pass, options.penalty);
}

// The gradient is that of 1/N Σ a (ln p(x | z) + β ln p(z)) − b β ln q with a = w̃ among all draws, for θ, and
// b = 1/M w̃ among the group's, for φ: z's is scaled from a to b. An a that rounds away beside its b is raised
// to rounding, so that b / a is finite.
template <class T> Var<T> objective(const Piwae& options, const Pass<T>& pass) {
  require_split("Piwae", pass);
  const std::size_t size = group_size("Piwae", pass, options.groups);
  const T beta = at_least_zero<T>("beta", options.beta);
  const T rounding = std::log(std::numeric_limits<T>::epsilon());
  const auto log_weight = stop_gradient(pass.log_weight(beta));
  const auto log_b = reshape(log_softmax(in_rows(log_weight, size)), log_weight.shape()) -
                     std::log(static_cast<T>(options.groups));
  const auto log_a =
      maximum(reshape(log_softmax(in_rows(log_weight, pass.samples)), log_weight.shape()), log_b + rounding);
  scale_encoder(pass, exp(log_b - log_a));
  const auto a = exp(log_a), b = beta * exp(log_b);
  auto total = a * pass.log_likelihood;
  for (const Layer<T>& layer : pass.layers) total = total + beta * a * layer.log_p - b * layer.log_q;
  const auto surrogate = static_cast<T>(pass.samples) * mean(total);
  const auto bound = mean(importance_weighted_bound(log_weight, pass.samples));
  return without_penalty(bound + (surrogate - stop_gradient(surrogate)), pass, options.penalty);
}

template <class T> Var<T> objective(const Ciwae& options, const Pass<T>& pass) {
  const T share = static_cast<T>(options.elbo_share);
  const auto log_weight = pass.log_weight(at_least_zero<T>("beta", options.beta));
  const auto iwae = mean(importance_weighted_bound(log_weight, pass.samples));
  return without_penalty(share * mean(log_weight) + (T(1) - share) * iwae, pass, options.penalty);
}

template <class T> Var<T> objective(const Capacity& options, const Pass<T>& pass) {
  const T gamma = at_least_zero<T>("gamma", options.gamma),
          capacity = at_least_zero<T>("capacity", options.capacity);
  const auto kl = pass.batch_mean(pass.log_likelihood) - pass.batch_mean(pass.elbo());
  return without_penalty(mean(pass.log_likelihood) - gamma * abs(kl - capacity), pass, options.penalty);
}

#define STRATA_INSTANTIATE(T)                                           \
  template Var<T> importance_weighted_bound(Var<T>, std::size_t);       \
  template Var<T> objective(const Elbo&, const Pass<T>&);               \
  template Var<T> objective(const Iwae&, const Pass<T>&);               \
  template Var<T> objective(const StickingTheLanding&, const Pass<T>&); \
  template Var<T> objective(const Dreg&, const Pass<T>&);               \
  template Var<T> objective(const Miwae&, const Pass<T>&);              \
  template Var<T> objective(const Piwae&, const Pass<T>&);              \
  template Var<T> objective(const Ciwae&, const Pass<T>&);              \
  template Var<T> objective(const Capacity&, const Pass<T>&);
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)

}  // namespace strata
