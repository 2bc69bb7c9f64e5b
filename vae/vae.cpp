#include "vae/vae.hpp"

namespace strata {

template <class T> Vae<T>::Vae(const VaeConfig& c, Rng& rng)
    : encoder(c.data, c.hidden, c.latent, c.networks, c.scale, rng),
      decoder(c.latent, {c.hidden.rbegin(), c.hidden.rend()}, c.data, c.networks, c.likelihood,
              c.noise_variance, rng) {}

template <class T> Elbo<T> Vae<T>::elbo(Var<T> x, Var<T> epsilon, Rng& rng, Mode mode) {
  const auto q = encoder(x, rng, mode);
  const auto z = sample(q, epsilon);
  return {log_prob(decoder(z, rng, mode), x), kl(q, standard_normal)};
}

template <class T> Elbo<T> Vae<T>::elbo(Var<T> x, Rng& rng, Mode mode) {
  return elbo(x, standard_normal_noise(x.tape(), Shape{x.shape()[0], latent()}, rng), rng, mode);
}

template struct Vae<float>;
template struct Vae<double>;

}  // namespace strata
