#include "strata/vae/distributions.hpp"

#include <algorithm>

#include "strata/autograd/operations.hpp"

namespace strata {
namespace {

template <class T> Normal<T> diagonal(const FullNormal<T>& p) { return {p.mean, p.log_variance}; }

template <class T> void require_shape(Var<T> x, Var<T> mean) {
  if (x.shape() != mean.shape())
    fail("log_prob", "x is " + to_string(x.shape()) + ", the normal's mean is " + to_string(mean.shape()));
}

// ln σ² for every component: (B, L)
template <class P> auto log_variances(const P& p) {
  return p.log_variance.shape() == p.mean.shape() ? p.log_variance
                                                  : broadcast(p.log_variance, p.mean.shape());
}

// q has the rows: what p or its factor added would be divergences that nobody asked for.
void require_broadcast(const char* what, const Shape& shape, const Shape& of_q) {
  if (!detail::broadcasts(shape, of_q))
    fail("kl", std::string(what) + " " + to_string(shape) + " does not broadcast to q's " + to_string(of_q));
}

// μ + σ ⊙ ε
template <class T> Var<T> at(const Normal<T>& p, Var<T> epsilon) {
  return reparameterize(p.mean, log_variances(p), epsilon);
}

// μ + C ε
template <class T> Var<T> at(const FullNormal<T>& p, Var<T> epsilon) {
  return at(diagonal(p), epsilon) + strict_lower_product(p.lower, epsilon);
}

template <class P, class T> Var<T> draw_at_noise(const P& p, const Noise<T>& noise) {
  return at(p, noise.normal(p.mean.tape(), p.mean.shape()));
}

// ln N(μ + C ε; μ, C Cᵀ) = ln N(ε; 0, I) − ln |C|
template <class P, class T> Draw<T> draw_with_density(const P& p, const Noise<T>& noise) {
  const auto epsilon = noise.normal(p.mean.tape(), p.mean.shape());
  return {at(p, epsilon), draw_log_density(log_variances(p), epsilon)};
}

}  // namespace

template <class T> Var<T> sample(const Normal<T>& p, const Noise<std::type_identity_t<T>>& noise) {
  return draw_at_noise(p, noise);
}

template <class T> Var<T> sample(const FullNormal<T>& p, const Noise<std::type_identity_t<T>>& noise) {
  return draw_at_noise(p, noise);
}

// x = [u < sigmoid l], NaN where l is
template <class T> Var<T> sample(const Bernoulli<T>& p, const Noise<std::type_identity_t<T>>& noise) {
  Tape<T>& tape = p.logits.tape();
  const auto u = noise.uniform(tape, p.logits.shape()), probability = sigmoid(p.logits);
  return tape.constant(p.logits.shape(), [&](Tensor<T>& x) {
    write(x, map([]<class V>(V a, V b) { return select(a < b, V(1), V(0) * b); }, u.value(),
                 probability.value()));
  });
}

template <class T> Var<T> sample(StandardNormal, Tape<T>& tape, const Shape& shape,
                                 const Noise<std::type_identity_t<T>>& noise) {
  return noise.normal(tape, shape);
}

// Component k where Σ_{j < k} π_j ≤ u < Σ_{j ≤ k} π_j, then a draw from it.
template <class T> Var<T> sample(const Mixture<T>& p, Tape<T>& tape, const Shape& shape,
                                 const Noise<std::type_identity_t<T>>& noise) {
  const auto& [mean, log_variance] = p.components;
  const auto weights = broadcast(exp(p.log_weights), {mean.shape()[0]});
  const Tensor<T>&upto = cumsum(weights).value(), &u = noise.uniform(tape, {shape[0]}).value();
  std::vector<std::size_t> chosen;
  for (const T v : u)
    chosen.push_back(static_cast<std::size_t>(
        std::upper_bound(upto.begin(), upto.end() - 1, v * upto.back()) - upto.begin()));
  return sample(Normal<T>{gather_rows(mean, chosen), gather_rows(log_variances(p.components), chosen)},
                noise);
}

template <class T> Var<T> log_prob(const Normal<T>& p, Var<T> x) {
  require_shape(x, p.mean);
  return normal_log_density(x, p.mean, p.log_variance);
}

// ln N(ε; 0, I) − ln |C| at ε = C⁻¹ (x − μ)
template <class T> Var<T> log_prob(const FullNormal<T>& p, Var<T> x) {
  require_shape(x, p.mean);
  const std::size_t width = x.shape().back();
  const auto identity = x.tape().constant(Shape{width, width}, [width](Tensor<T>& i) {
    i.fill(T(0));
    for (std::size_t k = 0; k < width; ++k) i(k, k) = T(1);
  });
  const auto c = strictly_lower(p.lower) + unsqueeze(exp(T(0.5) * p.log_variance), -1) * identity;
  const auto epsilon = reshape(triangular_solve(c, unsqueeze(x - p.mean, -1)), x.shape());
  return draw_log_density(p.log_variance, epsilon);
}

template <class T> Var<T> log_prob(StandardNormal, Var<T> x) { return standard_normal_log_density(x); }

// ln Σ_k e^(ln π_k + ln N_k(x))
template <class T> Var<T> log_prob(const Mixture<T>& p, Var<T> x) {
  return logsumexp(pairwise_normal_log_density(x, p.components.mean, log_variances(p.components)) +
                   p.log_weights);
}

template <class T> Var<T> log_prob(const Bernoulli<T>& p, Var<T> x) {
  return bernoulli_log_density(x, p.logits);
}

template <class T> Draw<T> sample_and_log_prob(const Normal<T>& p, const Noise<T>& noise) {
  return draw_with_density(p, noise);
}

template <class T> Draw<T> sample_and_log_prob(const FullNormal<T>& p, const Noise<T>& noise) {
  return draw_with_density(p, noise);
}

template <class T> Var<T> mean(const Bernoulli<T>& p) { return sigmoid(p.logits); }

template <class T> Var<T> kl(const Normal<T>& q, StandardNormal) {
  return standard_normal_kl(q.mean, log_variances(q));
}

// ½ (‖C‖² + ‖μ‖² − L − 2 ln |C|)
template <class T> Var<T> kl(const FullNormal<T>& q, StandardNormal) {
  const auto of_diagonal = kl(diagonal(q), standard_normal), below = sum(square(q.lower), {-1});
  require_broadcast("q.lower's rows", below.shape(), of_diagonal.shape());
  return of_diagonal + T(0.5) * below;
}

// In units of p's mean and deviation, p is N(0, I). Equal means stay equal even where 1/σ overflows.
template <class T> Var<T> kl(const Normal<T>& q, const Normal<T>& p) {
  require_broadcast("p's mean", p.mean.shape(), q.mean.shape());
  require_broadcast("p's log variance", p.log_variance.shape(), q.mean.shape());
  return standard_normal_kl((q.mean - p.mean) / exp(T(0.5) * p.log_variance),
                            log_variances(q) - p.log_variance);
}

template <class T> Normal<T> repeat_rows(const Normal<T>& p, std::size_t times) {
  return {repeat_rows(p.mean, times), repeat_rows(log_variances(p), times)};
}

template <class T> FullNormal<T> repeat_rows(const FullNormal<T>& p, std::size_t times) {
  return {repeat_rows(p.mean, times), repeat_rows(p.log_variance, times), repeat_rows(p.lower, times)};
}

template <class T> Normal<T> stop_gradient(const Normal<T>& p) {
  return {stop_gradient(p.mean), stop_gradient(p.log_variance)};
}

template <class T> FullNormal<T> stop_gradient(const FullNormal<T>& p) {
  return {stop_gradient(p.mean), stop_gradient(p.log_variance), stop_gradient(p.lower)};
}

#define STRATA_INSTANTIATE(T)                                                         \
  template Var<T> sample(const Normal<T>&, const Noise<T>&);                          \
  template Var<T> sample(const FullNormal<T>&, const Noise<T>&);                      \
  template Var<T> sample(const Bernoulli<T>&, const Noise<T>&);                       \
  template Var<T> sample(StandardNormal, Tape<T>&, const Shape&, const Noise<T>&);    \
  template Var<T> sample(const Mixture<T>&, Tape<T>&, const Shape&, const Noise<T>&); \
  template Var<T> log_prob(const Mixture<T>&, Var<T>);                                \
  template Var<T> log_prob(const Normal<T>&, Var<T>);                                 \
  template Var<T> log_prob(const FullNormal<T>&, Var<T>);                             \
  template Var<T> log_prob(StandardNormal, Var<T>);                                   \
  template Var<T> log_prob(const Bernoulli<T>&, Var<T>);                              \
  template Draw<T> sample_and_log_prob(const Normal<T>&, const Noise<T>&);            \
  template Draw<T> sample_and_log_prob(const FullNormal<T>&, const Noise<T>&);        \
  template Var<T> mean(const Bernoulli<T>&);                                          \
  template Var<T> kl(const Normal<T>&, StandardNormal);                               \
  template Var<T> kl(const FullNormal<T>&, StandardNormal);                           \
  template Var<T> kl(const Normal<T>&, const Normal<T>&);                             \
  template Normal<T> repeat_rows(const Normal<T>&, std::size_t);                      \
  template FullNormal<T> repeat_rows(const FullNormal<T>&, std::size_t);              \
  template Normal<T> stop_gradient(const Normal<T>&);                                 \
  template FullNormal<T> stop_gradient(const FullNormal<T>&);
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)

}  // namespace strata
