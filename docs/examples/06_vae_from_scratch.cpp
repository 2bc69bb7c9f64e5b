// A variational autoencoder with nothing but the tape: encoder, reparameterised draw, decoder, ELBO.
//
// Prints:
//   the data's entropy is 5.89 nats an image
//   the ELBO after training lies within 0.5 nats below its negative
//   z separates the two kinds of image
#include <cmath>
#include <cstdio>
#include <strata/autograd/operations.hpp>
#include <strata/nn/linear.hpp>
#include <strata/nn/optimizer.hpp>

using namespace strata;

// 16 pixels, of which one half, the first or the second, is lit: each pixel says so with probability 0.9.
void draw_images(Rng& rng, Tensor<float>& x, Tensor<float>& kind) {
  fill_bernoulli(rng, Tensor<float>(kind.shape(), 0.5f), kind);
  for (std::size_t i = 0; i < x.shape(0); ++i)
    for (std::size_t j = 0; j < 16; ++j) x(i, j) = (j < 8) == (kind(i) > 0.5f) ? 0.9f : 0.1f;
  fill_bernoulli(rng, Tensor<float>(x), x);
}

constexpr std::size_t batch = 100, latent = 2;

struct Model {
  Linear<float> hidden, mean, log_variance, decoder_hidden, logits;

  static void fields(auto& self, auto&& visit) {
    visit("hidden", self.hidden), visit("mean", self.mean), visit("log_variance", self.log_variance);
    visit("decoder_hidden", self.decoder_hidden), visit("logits", self.logits);
  }
};

int main() {
  Rng rng{1};
  Model model{{16, 32, Init::glorot, rng},
              {32, latent, Init::glorot, rng},
              {32, latent, Init::zero, rng},
              {latent, 32, Init::glorot, rng},
              {32, 16, Init::glorot, rng}};
  Optimizer<float> adam(parameters<float>(model), Adam{}, 5e-3);

  Tape<float> tape;
  Tensor<float> x(Shape{batch, 16}), kind(Shape{batch}), noise(Shape{batch, latent});
  double elbo = 0, separation = 0;
  for (int step = 0; step < 2000; ++step) {
    draw_images(rng, x, kind);
    fill_normal(rng, noise);
    tape.reset();
    const auto images = tape.constant(x);
    const auto h = tanh(model.hidden(images));
    const auto mean = model.mean(h), log_variance = model.log_variance(h);  // q(z | x)
    const auto z = reparameterize(mean, log_variance, tape.constant(noise));
    const auto logits = model.logits(tanh(model.decoder_hidden(z)));  // p(x | z)
    const auto bound = bernoulli_log_density(images, logits) - standard_normal_kl(mean, log_variance);  // (B)
    tape.backward(-strata::mean(bound));
    adam.step();
    if (step < 1900) continue;
    elbo += xt::mean(bound.value())() / 100.0;
    std::size_t agree = 0;  // does the more telling component of z have one sign for each kind?
    const std::size_t unit =
        xt::variance(xt::col(mean.value(), 0))() > xt::variance(xt::col(mean.value(), 1))() ? 0 : 1;
    for (std::size_t i = 0; i < batch; ++i) agree += (mean.value()(i, unit) > 0) == (kind(i) > 0.5f);
    separation += static_cast<double>(std::max(agree, batch - agree)) / batch / 100.0;
  }

  const double entropy = 16 * -(0.9 * std::log(0.9) + 0.1 * std::log(0.1)) + std::log(2.0);  // nearly
  std::printf("the data's entropy is %.2f nats an image\n", entropy);
  if (-entropy - 0.5 < elbo && elbo < -entropy + 0.2)
    std::printf("the ELBO after training lies within 0.5 nats below its negative\n");
  if (separation > 0.95) std::printf("z separates the two kinds of image\n");
}
