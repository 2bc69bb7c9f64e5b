#include "vae/distributions.hpp"

#include "autograd/probability.hpp"

namespace strata {

template <class T> Var<T> standard_normal_noise(Tape<T>& tape, const Shape& shape, Rng& rng) {
  return tape.constant(shape, [&](Tensor<T>& epsilon) { fill_normal(rng, epsilon); });
}

template <class T> Var<T> sample(const DiagonalNormal<T>& p, Var<T> epsilon) {
  return reparameterize(p.mean, p.log_variance, epsilon);
}

template <class T> Var<T> sample(const DiagonalNormal<T>& p, Rng& rng) {
  return sample(p, standard_normal_noise(p.mean.tape(), p.mean.shape(), rng));
}

template <class T> Var<T> log_prob(const DiagonalNormal<T>& p, Var<T> x) {
  return normal_log_density(x, p.mean, p.log_variance);
}

template <class T> Var<T> log_prob(StandardNormal, Var<T> x) { return standard_normal_log_density(x); }

template <class T> Var<T> log_prob(const Bernoulli<T>& p, Var<T> x) {
  return bernoulli_log_density(x, p.logits);
}

template <class T> Var<T> kl(const DiagonalNormal<T>& q, StandardNormal) {
  return standard_normal_kl(q.mean, q.log_variance);
}

#define STRATA_INSTANTIATE(T)                                          \
  template Var<T> standard_normal_noise(Tape<T>&, const Shape&, Rng&); \
  template Var<T> sample(const DiagonalNormal<T>&, Var<T>);            \
  template Var<T> sample(const DiagonalNormal<T>&, Rng&);              \
  template Var<T> log_prob(const DiagonalNormal<T>&, Var<T>);          \
  template Var<T> log_prob(StandardNormal, Var<T>);                    \
  template Var<T> log_prob(const Bernoulli<T>&, Var<T>);               \
  template Var<T> kl(const DiagonalNormal<T>&, StandardNormal);
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)

}  // namespace strata
