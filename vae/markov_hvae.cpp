#include "vae/markov_hvae.hpp"

#include "autograd/shape.hpp"

namespace strata {
namespace {

std::vector<std::size_t> reversed(const std::vector<std::size_t>& widths) {
  return {widths.rbegin(), widths.rend()};
}

std::size_t first_width(const MarkovHvaeConfig& c) {
  if (c.latent.empty()) fail("MarkovHvae", "needs at least one latent width");
  if (c.condition > 0 && c.top_covariance == Covariance::full)
    fail("MarkovHvae",
         "a full top covariance has no closed-form KL to a conditional prior; use one of the two");
  return c.latent[0];
}

}  // namespace

template <class T> MarkovHvae<T>::MarkovHvae(const MarkovHvaeConfig& c, Rng& rng)
    : decoder(first_width(c) + c.condition, reversed(c.hidden), c.data, c.networks, c.likelihood,
              c.noise_variance, rng) {
  const std::size_t top = c.latent.size() - 1;
  for (std::size_t t = 0; t <= top; ++t) {
    const std::size_t below = t == 0 ? c.data : c.latent[t - 1];
    q.emplace_back(below + c.condition, t == 0 ? c.hidden : c.upper_hidden, c.latent[t], c.networks, c.scale,
                   t == top ? c.top_covariance : c.covariance, rng);
  }
  for (std::size_t t = 0; t < top; ++t)
    p.emplace_back(c.latent[t + 1] + c.condition, reversed(c.upper_hidden), c.latent[t], c.networks, c.scale,
                   Covariance::diagonal, rng);
  if (c.condition > 0)
    prior.emplace(c.condition, std::vector<std::size_t>{}, c.latent[top], c.networks, c.scale,
                  Covariance::diagonal, rng);
}

template <class T>
Path<T> MarkovHvae<T>::path(const Given<T>& given, const Layers<Var<T>>& epsilon, Rng& rng, Mode mode) {
  require_noise(epsilon, q.size());
  const std::size_t samples = given.samples;
  const auto condition = given.condition ? repeat_rows(given.condition, samples) : Var<T>();
  Path<T> path{samples, repeat_rows(given.x, samples), {}, epsilon, {}, {}, {}, {}};
  for (std::size_t t = 0; t < q.size(); ++t) {  // upwards: z_t ~ q(z_t | z_{t−1})
    path.q.push_back(t == 0 ? repeat_rows(q[0](beside(given.x, given.condition), rng, mode), samples)
                            : q[t](beside(path.z[t - 1], condition), rng, mode));
    path.z.push_back(sample(path.q[t], epsilon[t]));
  }
  for (std::size_t t = 0; t < p.size(); ++t)  // p(z_t | z_{t+1})
    path.p.push_back(p[t](beside(path.z[t + 1], condition), rng, mode));
  if (prior) path.prior = repeat_rows((*prior)(given.condition, rng, mode), samples);
  path.observation = decoder(beside(path.z[0], condition), rng, mode);
  return path;
}

template <class T> Path<T> MarkovHvae<T>::path(const Given<T>& given, Rng& rng, Mode mode) {
  const std::size_t rows = given.x.shape()[0] * given.samples;
  return path(given, draw_noise(given.x.tape(), rows, latent(), rng), rng, mode);
}

template <class T> void MarkovHvae<T>::require_layer(const char* operation, std::size_t t) const {
  if (t == 0 || t > q.size())
    fail(operation,
         "there is no layer " + std::to_string(t) + "; they are 1 ... " + std::to_string(q.size()));
}

// z_{t−1} ~ p(z_{t−1} | z_t) for t = from ... to + 1
template <class T>
Var<T> MarkovHvae<T>::descend(Var<T> z, std::size_t from, std::size_t to, Var<T> condition, Rng& rng) {
  for (std::size_t t = from - 1; t >= to; --t)
    z = sample(p[t - 1](beside(z, condition), rng, Mode::inference), rng);
  return z;
}

template <class T>
Var<T> MarkovHvae<T>::draw(Tape<T>& tape, std::size_t t, std::size_t rows, Var<T> condition, Rng& rng) {
  require_layer("draw", t);
  const auto top = prior ? sample((*prior)(condition, rng, Mode::inference), rng)
                         : standard_normal_noise(tape, Shape{rows, latent().back()}, rng);
  return descend(top, q.size(), t, condition, rng);
}

template <class T>
Observation<T> MarkovHvae<T>::generate(Var<T> z, std::size_t t, Var<T> condition, Rng& rng) {
  require_layer("generate", t);
  return decoder(beside(descend(z, t, 1, condition, rng), condition), rng, Mode::inference);
}

template <class T> Layers<std::size_t> MarkovHvae<T>::latent() const {
  Layers<std::size_t> widths;
  for (const auto& network : q) widths.push_back(network.mean.bias.value.size());
  return widths;
}

template struct MarkovHvae<float>;
template struct MarkovHvae<double>;

}  // namespace strata
