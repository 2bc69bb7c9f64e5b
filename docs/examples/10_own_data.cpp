// Data of one's own: numbers in memory as a Dataset, a likelihood that suits them, pictures of the model.
//
// Prints:
//   1,000 images of 8 x 12 pixels, in [0, 1]
//   a Bernoulli likelihood refuses grey levels beyond it: [Trainer] ...
//   the noise variance of the data is 0.0025; learned: between 0.002 and 0.004
//   samples.png is written
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <strata/tensor/io/png.hpp>
#include <strata/tools/pictures/model_pictures.hpp>
#include <strata/vae/models/vae.hpp>
#include <strata/vae/training.hpp>

using namespace strata;

// Grey discs of one radius anywhere on a dark ground, with noise.
Dataset discs(std::size_t count, Rng& rng) {
  Tensor<float> x(Shape{count, 8, 12}), centre(Shape{count, 2}), noise(Shape{count, 8, 12});
  fill_uniform(rng, centre);
  fill_normal(rng, noise);
  for (std::size_t n = 0; n < count; ++n)
    for (std::size_t i = 0; i < 8; ++i)
      for (std::size_t j = 0; j < 12; ++j) {
        const float down = static_cast<float>(i) - 2 - 3 * centre(n, 0),
                    right = static_cast<float>(j) - 2 - 7 * centre(n, 1);
        const float lit = 1 / (1 + std::exp(down * down + right * right - 6));
        x(n, i, j) = 0.2f + 0.6f * lit + 0.05f * noise(n, i, j);
      }
  return {x};
}

int main() {
  Rng rng{1};
  const Dataset data = discs(1000, rng);
  std::printf("1,000 images of %zu x %zu pixels, in [0, 1]\n", data.example_shape()[0],
              data.example_shape()[1]);

  Dataset bright = data;
  std::get<Tensor<float>>(bright.examples)(3, 0, 0) = 1.5f;
  VaeConfig config{
      .data = data.width(), .hidden = {64}, .latent = {3}, .networks = {.activation = Activation::tanh}};
  Vae<float> bernoulli(config, rng);
  Optimizer<float> unused(parameters(bernoulli), Adam{}, 1e-3);
  ObjectiveStep refused(bernoulli, unused, Elbo{});
  try {
    Trainer trainer(refused, bright, {.binarize = Binarize::none});
  } catch (const std::invalid_argument& error) {  // it names image and pixel
    std::printf("a Bernoulli likelihood refuses grey levels beyond it: %.9s ...\n", error.what());
  }

  config.likelihood = Likelihood::normal_learned;  // p(x | z) = N(decoder(z), σ² I), σ² learned
  Vae<float> vae(config, rng);
  vae.start_at(mean_example(data));
  Optimizer<float> adam(parameters(vae), Adam{}, 3e-3);
  ObjectiveStep step(vae, adam, Elbo{});
  Trainer trainer(step, data, {.batch = 50, .binarize = Binarize::none});
  for (int epoch = 0; epoch < 100; ++epoch) trainer.run_epoch();

  const auto& head = std::get<HomoscedasticHead<float>>(vae.decoder);
  const double variance = std::exp(head.log_variance.value()(0));
  if (0.002 < variance && variance < 0.004)
    std::printf("the noise variance of the data is 0.0025; learned: between 0.002 and 0.004\n");

  write_png("samples.png", tools::picture_samples(vae, {.image = data.example_shape()}));
  if (std::filesystem::exists("samples.png")) std::printf("samples.png is written\n");
}
