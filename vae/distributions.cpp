#include "vae/distributions.hpp"

#include "autograd/elementwise.hpp"
#include "autograd/probability.hpp"
#include "autograd/reduce.hpp"

namespace strata {

template <class T> Var<T> standard_normal_noise(Tape<T>& tape, const Shape& shape, Rng& rng) {
  return tape.constant(shape, [&](Tensor<T>& epsilon) { fill_normal(rng, epsilon); });
}

template <class T> Var<T> sample(const Normal<T>& p, Var<T> epsilon) {
  const auto z = reparameterize(p.mean, p.log_variance, epsilon);
  return p.lower ? z + strict_lower_product(p.lower, epsilon) : z;
}

template <class T> Var<T> sample(const Normal<T>& p, Rng& rng) {
  return sample(p, standard_normal_noise(p.mean.tape(), p.mean.shape(), rng));
}

template <class T> Var<T> log_prob(const Normal<T>& p, Var<T> x) {
  if (p.lower)
    fail("log_prob", "a normal with full covariance knows the density of its own draws only: draw_log_prob");
  return normal_log_density(x, p.mean, p.log_variance);
}

template <class T> Var<T> log_prob(StandardNormal, Var<T> x) { return standard_normal_log_density(x); }

template <class T> Var<T> log_prob(const Bernoulli<T>& p, Var<T> x) {
  return bernoulli_log_density(x, p.logits);
}

// ln N(μ + C ε; μ, C Cᵀ) = ln N(ε; 0, I) − ln |C|
template <class T> Var<T> draw_log_prob(const Normal<T>& p, Var<T> epsilon) {
  return draw_log_density(p.log_variance, epsilon);
}

// ½ (‖C‖² + ‖μ‖² − L − 2 ln |C|)
template <class T> Var<T> kl(const Normal<T>& q, StandardNormal) {
  const auto diagonal = standard_normal_kl(q.mean, q.log_variance);
  return q.lower ? diagonal + T(0.5) * sum(square(q.lower), {-1}) : diagonal;
}

// In units of p's mean and deviation, p is N(0, I).
template <class T> Var<T> kl(const Normal<T>& q, const Normal<T>& p) {
  if (q.lower || p.lower)
    fail("kl", "the divergence of two normals is known here for diagonal covariances only");
  return standard_normal_kl((q.mean - p.mean) * exp(T(-0.5) * p.log_variance),
                            q.log_variance - p.log_variance);
}

#define STRATA_INSTANTIATE(T)                                          \
  template Var<T> standard_normal_noise(Tape<T>&, const Shape&, Rng&); \
  template Var<T> sample(const Normal<T>&, Var<T>);                    \
  template Var<T> sample(const Normal<T>&, Rng&);                      \
  template Var<T> log_prob(const Normal<T>&, Var<T>);                  \
  template Var<T> log_prob(StandardNormal, Var<T>);                    \
  template Var<T> log_prob(const Bernoulli<T>&, Var<T>);               \
  template Var<T> draw_log_prob(const Normal<T>&, Var<T>);             \
  template Var<T> kl(const Normal<T>&, StandardNormal);                \
  template Var<T> kl(const Normal<T>&, const Normal<T>&);
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)

}  // namespace strata
