// A hierarchy of two stochastic layers, trained by the importance-weighted bound, its likelihood by
// importance sampling and by a second opinion. Reads the folder STRATA_MNIST_DIR; a minute at most.
//
// Prints:
//   two layers: z_1 of 32, z_2 of 8
//   test ELBO above -125 after two epochs
//   NLL of 20 images: 1,000 draws from q, and a fitted proposal: they differ by less than 10 nats
//   p(x | z_2): 3 draws of z_1 give 3 images of 784 pixels
#include <cmath>
#include <cstdio>
#include <strata/vae/estimation.hpp>
#include <strata/vae/models/vae.hpp>
#include <strata/vae/refinement.hpp>
#include <strata/vae/training.hpp>

#include "mnist.hpp"

using namespace strata;

int main() {
  const Dataset train = read_mnist("train"), test = read_mnist("t10k");

  Rng rng{1};
  Vae<float> vae({.data = 784,
                  .hidden = {200, 100},
                  .latent = {32, 8},
                  .upper_hidden = {32},
                  .networks = {.activation = Activation::tanh, .init = Init::glorot}},
                 rng);
  vae.start_at(mean_example(train));  // the output's bias: the logit of the mean image
  std::printf("two layers: z_1 of %zu, z_2 of %zu\n", vae.latent()[0], vae.latent()[1]);

  Optimizer<float> adam(parameters(vae), Adam{}, 2e-3);
  ObjectiveStep step(vae, adam, Iwae{}, {.samples = 2, .warmup_epochs = 2});
  Trainer trainer(step, train, {.batch = 100});
  trainer.run_epoch();
  trainer.run_epoch();
  const double elbo = trainer.evaluate(vae, test).elbo();
  if (elbo > -125) std::printf("test ELBO above -125 after two epochs\n");

  const auto images = first_examples<float>(test, 20, Binarize::dynamic, rng);
  const auto nll = [](const auto& estimates) {
    double sum = 0;
    for (const auto& estimate : estimates) sum -= estimate.log_likelihood;
    return sum / static_cast<double>(estimates.size());
  };
  const double from_q = nll(estimate_likelihood(vae, images, {.samples = 1000}));
  const double refined = nll(estimate_refined(vae, images, {.samples = 1000}));
  if (std::abs(from_q - refined) < 10)
    std::printf(
        "NLL of 20 images: 1,000 draws from q, and a fitted proposal: they differ by less than 10 nats\n");

  Tape<float> tape(Record::values);  // inference keeps no derivatives
  const auto z_2 = vae.draw(tape, 2, 3, {}, rng);
  const auto x = vae.decode(z_2, {}, rng);
  std::printf("p(x | z_2): 3 draws of z_1 give %zu images of %zu pixels\n", x.shape()[0], x.shape()[1]);
}
