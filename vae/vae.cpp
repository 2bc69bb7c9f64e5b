#include "vae/vae.hpp"

#include "autograd/shape.hpp"

namespace strata {

template <class T> Vae<T>::Vae(const VaeConfig& c, Rng& rng)
    : encoder(c.data + c.condition, c.hidden, c.latent, c.networks, c.scale, Covariance::diagonal, rng),
      decoder(c.latent + c.condition, {c.hidden.rbegin(), c.hidden.rend()}, c.data, c.networks, c.likelihood,
              c.noise_variance, rng) {}

template <class T>
Path<T> Vae<T>::path(const Given<T>& given, const Layers<Var<T>>& epsilon, Rng& rng, Mode mode) {
  require_noise(epsilon, 1);
  const auto [x, condition, samples] = given;
  const auto q = repeat_rows(encoder(beside(x, condition), rng, mode), samples);
  const auto z = sample(q, epsilon[0]);
  const auto repeated = condition ? repeat_rows(condition, samples) : condition;
  return {
      samples, repeat_rows(x, samples), {q}, epsilon, {z}, {}, {}, decoder(beside(z, repeated), rng, mode)};
}

template <class T> Path<T> Vae<T>::path(const Given<T>& given, Rng& rng, Mode mode) {
  const std::size_t rows = given.x.shape()[0] * given.samples;
  return path(given, draw_noise(given.x.tape(), rows, latent(), rng), rng, mode);
}

template struct Vae<float>;
template struct Vae<double>;

}  // namespace strata
