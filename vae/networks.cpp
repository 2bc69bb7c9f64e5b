#include "vae/networks.hpp"

#include <algorithm>
#include <cmath>

#include "autograd/elementwise.hpp"
#include "autograd/probability.hpp"
#include "nn/names.hpp"

namespace strata {
namespace {

constexpr Names<Scale, 2> scale_names = {
    {{Scale::log_variance, "log_variance"}, {Scale::softplus, "softplus"}}};
constexpr Names<Likelihood, 4> likelihood_names = {
    {{Likelihood::bernoulli, "bernoulli"},
     {Likelihood::normal, "normal"},
     {Likelihood::normal_learned, "normal-learned"},
     {Likelihood::normal_learned_each, "normal-learned-each"}}};

}  // namespace

Scale parse_scale(const std::string& name) { return parse_name("scale", scale_names, name); }
std::string to_string(Scale scale) { return name_of(scale_names, scale); }
Likelihood parse_likelihood(const std::string& name) {
  return parse_name("likelihood", likelihood_names, name);
}
std::string to_string(Likelihood likelihood) { return name_of(likelihood_names, likelihood); }

template <class T>
NormalNetwork<T>::NormalNetwork(std::size_t in, const std::vector<std::size_t>& hidden, std::size_t out,
                                const MlpOptions& options, Scale kind, Covariance covariance, Rng& rng)
    : body(in, hidden, options, rng),
      mean(body.width(in), out, options.init, rng),
      scale(body.width(in), out, options.init, rng),
      scale_kind(kind) {
  if (covariance == Covariance::full && out > 1)
    lower.emplace(body.width(in), out * (out - 1) / 2, options.init, rng);
}

template <class T> Normal<T> NormalNetwork<T>::operator()(Var<T> x, Rng& rng, Mode mode) {
  const auto h = body(x, rng, mode);
  const auto s = scale(h);
  return {mean(h), scale_kind == Scale::softplus ? 2 * log_softplus(s) : s,  // ln σ² = 2 ln softplus s
          lower ? (*lower)(h) : Var<T>()};
}

template <class T> Var<T> log_prob(const Observation<T>& p, Var<T> x) {
  if (p.likelihood == Likelihood::bernoulli) return log_prob(Bernoulli<T>{p.location}, x);
  if (x.shape() != p.location.shape())
    fail("log_prob",
         "x is " + to_string(x.shape()) + ", the observation's mean is " + to_string(p.location.shape()));
  return normal_log_density(x, p.location, p.log_variance);
}

template <class T> Var<T> mean(const Observation<T>& p) {
  return p.likelihood == Likelihood::bernoulli ? sigmoid(p.location) : p.location;
}

template <class T>
ObservationNetwork<T>::ObservationNetwork(std::size_t in, const std::vector<std::size_t>& hidden,
                                          std::size_t out, const MlpOptions& options, Likelihood kind,
                                          double variance, Rng& rng)
    : body(in, hidden, options, rng),
      output(body.width(in), out, options.init, rng),
      likelihood(kind),
      noise_variance(static_cast<T>(variance)) {
  if (!(variance > 0))
    fail("ObservationNetwork", "the noise variance is " + std::to_string(variance) + "; it must be above 0");
  const T log_noise = std::log(noise_variance);
  if (kind == Likelihood::normal_learned) log_variance = Parameter<T>{Tensor<T>(Shape{1}, log_noise), {}};
  if (kind == Likelihood::normal_learned_each)
    log_variance = Parameter<T>{Tensor<T>(Shape{out}, log_noise), {}};
}

template <class T> Observation<T> ObservationNetwork<T>::operator()(Var<T> z, Rng& rng, Mode mode) {
  Tape<T>& tape = z.tape();
  Observation<T> p{likelihood, output(body(z, rng, mode)), {}};
  if (log_variance)
    p.log_variance = log_variance->on(tape);
  else if (likelihood == Likelihood::normal)
    p.log_variance = tape.constant(Shape{1}, [&](Tensor<T>& s) { s.fill(std::log(noise_variance)); });
  return p;
}

template <class T> void ObservationNetwork<T>::start_at(const Tensor<T>& mean) {
  Tensor<T>& bias = output.bias.value;
  if (mean.shape() != bias.shape())
    fail("start_at",
         "the mean is " + to_string(mean.shape()) + ", the output's bias " + to_string(bias.shape()));
  for (std::size_t i = 0; i < mean.size(); ++i) {
    const T p = std::clamp(mean(i), T(0.001), T(0.999));
    bias(i) = likelihood == Likelihood::bernoulli ? std::log(p / (1 - p)) : mean(i);
  }
}

#define STRATA_INSTANTIATE(T)                              \
  template struct NormalNetwork<T>;                        \
  template struct ObservationNetwork<T>;                   \
  template Var<T> log_prob(const Observation<T>&, Var<T>); \
  template Var<T> mean(const Observation<T>&);
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)

}  // namespace strata
