// A variational autoencoder of one's own: its layers, its equation, a gradient check, a training loop.
#include <iostream>

#include "autograd/elementwise.hpp"
#include "autograd/reduce.hpp"
#include "nn/gradcheck.hpp"
#include "nn/linear.hpp"
#include "nn/optimizer.hpp"
#include "vae/distributions.hpp"

using namespace strata;

template <class T> struct SmallVae {
  Linear<T> hidden, mean, log_variance, decoder;

  SmallVae(std::size_t data, std::size_t width, std::size_t latents, Rng& rng)
      : hidden(data, width, Init::glorot, rng),
        mean(width, latents, Init::glorot, rng),
        log_variance(width, latents, Init::glorot, rng),
        decoder(latents, data, Init::glorot, rng) {}

  // ln p(x | z) − KL(q(z | x) ‖ p(z)), one sample z a row
  Var<T> elbo(Var<T> x, Rng& rng) const {
    const auto h = tanh(hidden(x));
    const Normal<T> q{mean(h), log_variance(h)};
    const auto z = sample(q, rng);
    return log_prob(Bernoulli<T>{decoder(z)}, x) - kl(q, standard_normal);
  }

  static void fields(auto& self, auto&& visit) {
    visit("hidden", self.hidden);
    visit("mean", self.mean);
    visit("log_variance", self.log_variance);
    visit("decoder", self.decoder);
  }
};

// Rows of stripes: every other pixel is 1, the first of them or the second.
template <class T> Tensor<T> stripes() {
  Tensor<T> x(Shape{16, 12});
  for (std::size_t i = 0; i < 16; ++i)
    for (std::size_t j = 0; j < 12; ++j) x(i, j) = static_cast<T>((i + j) % 2);
  return x;
}

int main() {
  Rng rng{1};
  SmallVae<double> checked(12, 8, 2, rng);
  const auto report = gradcheck(checked, [&](auto& tape) {
    Rng same_noise{2};
    return checked.elbo(tape.constant(stripes<double>()), same_noise);
  });
  std::cout << "gradients: " << (report.ok ? "right" : report.message) << "\n";

  SmallVae<float> vae(12, 8, 2, rng);
  Optimizer<float> adam(parameters<float>(vae), Adam{}, 3e-2);
  Tape<float> tape;
  for (int step = 0; step <= 500; ++step) {
    tape.reset();
    const auto elbo = mean(vae.elbo(tape.constant(stripes<float>()), rng));
    if (step % 500 == 0) std::cout << "step " << step << ": elbo " << elbo.value()() << "\n";
    tape.backward(-elbo);
    adam.step();
  }
}
