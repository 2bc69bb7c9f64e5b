#include "vae/objective.hpp"

#include <cmath>

#include "autograd/elementwise.hpp"
#include "autograd/reduce.hpp"
#include "autograd/shape.hpp"
#include "nn/names.hpp"

namespace strata {
namespace {

constexpr Names<Bound, 2> names = {{{Bound::elbo, "elbo"}, {Bound::iwae, "iwae"}}};

}  // namespace

Bound parse_bound(const std::string& name) { return parse_name("objective", names, name); }
std::string to_string(Bound bound) { return name_of(names, bound); }

template <class T> Var<T> importance_weighted_bound(Var<T> log_weights, std::size_t samples) {
  const auto by_image = reshape(log_weights, {-1, static_cast<std::ptrdiff_t>(samples)});
  return logsumexp(by_image) - std::log(static_cast<T>(samples));
}

template <class T> Var<T> objective(const Terms<T>& terms, const Objective& options) {
  const T beta = static_cast<T>(options.beta), free_bits = static_cast<T>(options.free_bits);
  if (options.bound == Bound::iwae) {
    if (free_bits > 0) fail("objective", "free bits belong to the ELBO; the IWAE bound has no KL of a layer");
    return mean(importance_weighted_bound(terms.log_weight(beta), terms.samples));
  }
  if (free_bits == 0) return mean(terms.elbo(beta));
  auto total = mean(terms.reconstruction);
  for (std::size_t t = 0; t < terms.log_q.size(); ++t) {
    const auto cost = mean(terms.kl(t));
    const auto free = cost.tape().constant(Shape{}, [=](Tensor<T>& c) { c.fill(free_bits); });
    total = total - beta * maximum(cost, free);
  }
  return total;
}

#define STRATA_INSTANTIATE(T)                                     \
  template Var<T> importance_weighted_bound(Var<T>, std::size_t); \
  template Var<T> objective(const Terms<T>&, const Objective&);
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)

}  // namespace strata
