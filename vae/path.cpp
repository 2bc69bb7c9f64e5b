#include "vae/path.hpp"

#include "autograd/arithmetic.hpp"
#include "autograd/shape.hpp"

namespace strata {

template <class T>
Layers<Var<T>> draw_noise(Tape<T>& tape, std::size_t rows, const Layers<std::size_t>& widths, Rng& rng) {
  Layers<Var<T>> epsilon;
  for (const std::size_t width : widths)
    epsilon.push_back(standard_normal_noise(tape, Shape{rows, width}, rng));
  return epsilon;
}

template <class T> void require_noise(const Layers<Var<T>>& epsilon, std::size_t layers) {
  if (epsilon.size() != layers)
    fail("path", "needs noise for " + std::to_string(layers) + " layers, but got it for " +
                     std::to_string(epsilon.size()));
}

template <class T> Var<T> beside(Var<T> x, Var<T> condition) {
  return condition ? concatenate<T>({x, condition}, 1) : x;
}

template <class T> Normal<T> repeat_rows(const Normal<T>& p, std::size_t times) {
  return {repeat_rows(p.mean, times), repeat_rows(p.log_variance, times),
          p.lower ? repeat_rows(p.lower, times) : Var<T>()};
}

template <class T> Var<T> Terms<T>::kl(std::size_t t) const {
  return t + 1 < log_q.size() ? log_q[t] - log_p[t] : top_kl;
}

template <class T> Var<T> Terms<T>::bound(T beta, Var<T> top) const {
  Var<T> divergence = top;
  for (std::size_t t = log_q.size() - 1; t-- > 0;) divergence = divergence + (log_q[t] - log_p[t]);
  return reconstruction - (beta == T(1) ? divergence : beta * divergence);
}

template <class T> Var<T> Terms<T>::elbo(T beta) const { return bound(beta, top_kl); }

template <class T> Var<T> Terms<T>::log_weight(T beta) const {
  return bound(beta, log_q.back() - log_p.back());
}

template <class T> Terms<T> terms(const Path<T>& path) {
  Terms<T> terms{path.samples, log_prob(path.observation, path.x), {}, {}, {}};
  for (std::size_t t = 0; t < path.q.size(); ++t)
    terms.log_q.push_back(draw_log_prob(path.q[t], path.epsilon[t]));
  for (std::size_t t = 0; t < path.p.size(); ++t) terms.log_p.push_back(log_prob(path.p[t], path.z[t]));
  const Normal<T>& q = path.q.back();
  const bool learned = static_cast<bool>(path.prior.mean);
  terms.log_p.push_back(learned ? log_prob(path.prior, path.z.back())
                                : log_prob(standard_normal, path.z.back()));
  terms.top_kl = learned ? kl(q, path.prior) : kl(q, standard_normal);
  return terms;
}

#define STRATA_INSTANTIATE(T)                                                                  \
  template Layers<Var<T>> draw_noise(Tape<T>&, std::size_t, const Layers<std::size_t>&, Rng&); \
  template void require_noise(const Layers<Var<T>>&, std::size_t);                             \
  template Var<T> beside(Var<T>, Var<T>);                                                      \
  template Normal<T> repeat_rows(const Normal<T>&, std::size_t);                               \
  template struct Terms<T>;                                                                    \
  template Terms<T> terms(const Path<T>&);
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)

}  // namespace strata
