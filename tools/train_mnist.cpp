// Trains a variational autoencoder on MNIST and writes metrics, weights and pictures into a folder.
#include <CLI/CLI.hpp>
#include <iostream>

#include "nn/summary.hpp"
#include "tensor/io/png.hpp"
#include "tensor/parallel.hpp"
#include "tools/command_line.hpp"
#include "tools/mnist.hpp"
#include "tools/model_pictures.hpp"
#include "tools/progress.hpp"
#include "tools/run_folder.hpp"
#include "vae/training.hpp"
#include "vae/vae.hpp"

namespace {

using namespace strata;
using namespace strata::tools;

// The command line; defaults are the source's model with dynamic binarisation.
struct Options {
  std::string data, out = "runs/mnist";
  bool no_download = false, overwrite = false, batch_norm = false;
  std::vector<std::size_t> hidden = {500, 300, 150};
  std::size_t latent = 2, epochs = 20, batch = 128, warmup_epochs = 0, threads = thread_count();
  std::string activation = "softplus", likelihood = "bernoulli", binarize = "dynamic", optimizer = "adam",
              scale = "log_variance", init = "source", manifold = "quantiles";
  double learning_rate = 1e-3, beta = 1;
  std::uint64_t seed = 0;
};

void declare(CLI::App& app, Options& o) {
  const auto positive = CLI::Range(std::size_t{1}, std::size_t{1} << 40);
  app.add_option("--data", o.data,
                 "folder with the four IDX files; else STRATA_MNIST_DIR, data/mnist, a download");
  app.add_flag("--no-download", o.no_download, "never download the data");
  app.add_option("--out", o.out, "folder for metrics, weights and pictures")->capture_default_str();
  app.add_flag("--overwrite", o.overwrite, "replace the run that --out holds");
  app.add_option("--hidden", o.hidden,
                 "widths of the encoder's hidden layers; the decoder has them in reverse")
      ->delimiter(',')
      ->check(positive)
      ->default_str("500,300,150");
  app.add_option("--latent", o.latent, "number of latents")->check(positive)->capture_default_str();
  app.add_option("--activation", o.activation, "softplus, relu, leaky_relu, tanh or sigmoid")
      ->capture_default_str();
  app.add_option("--init", o.init, "initial weights: source, he or glorot")->capture_default_str();
  app.add_flag("--batch-norm", o.batch_norm, "normalise every hidden layer over the batch");
  app.add_option("--likelihood", o.likelihood, "bernoulli, normal, normal-learned or normal-learned-each")
      ->capture_default_str();
  app.add_option("--scale", o.scale, "the posterior network gives log_variance, or softplus of the deviation")
      ->capture_default_str();
  app.add_option("--binarize", o.binarize, "grey levels become data by: none, threshold or dynamic")
      ->capture_default_str();
  app.add_option("--epochs", o.epochs, "passes over the training images")
      ->check(positive)
      ->capture_default_str();
  app.add_option("--batch", o.batch, "images a training step")->check(positive)->capture_default_str();
  app.add_option("--optimizer", o.optimizer, "adam, adamw, sgd, momentum, nesterov, rmsprop or adagrad")
      ->capture_default_str();
  app.add_option("--lr", o.learning_rate, "learning rate")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--beta", o.beta, "weight of the KL in training")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--warmup-epochs", o.warmup_epochs, "beta grows linearly over so many epochs")
      ->capture_default_str();
  app.add_option("--seed", o.seed, "of everything random")->capture_default_str();
  app.add_option("--threads", o.threads, "threads to use")->check(positive)->capture_default_str();
  app.add_option("--manifold", o.manifold, "manifold.png over the prior's quantiles, or linear from -2 to 2")
      ->check(CLI::IsMember({"quantiles", "linear"}))
      ->capture_default_str();
}

VaeConfig model_of(const Options& o, std::size_t pixels) {
  return {.data = pixels,
          .hidden = o.hidden,
          .latent = o.latent,
          .networks = {.activation = parse_activation(o.activation),
                       .init = parse_init(o.init),
                       .batch_norm = o.batch_norm},
          .likelihood = parse_likelihood(o.likelihood),
          .scale = parse_scale(o.scale)};
}

// What rebuilds the model and tells how it was trained, for the metadata of its weights.
std::map<std::string, std::string> configuration_of(const Options& o, const Mnist& mnist) {
  std::string hidden;
  for (const std::size_t width : o.hidden) hidden += (hidden.empty() ? "" : ",") + std::to_string(width);
  return {{"model", "vae"},
          {"data_set", mnist.name},
          {"hidden", hidden},
          {"latent", std::to_string(o.latent)},
          {"activation", o.activation},
          {"init", o.init},
          {"batch_norm", o.batch_norm ? "true" : "false"},
          {"likelihood", o.likelihood},
          {"scale", o.scale},
          {"binarize", o.binarize},
          {"epochs", std::to_string(o.epochs)},
          {"batch", std::to_string(o.batch)},
          {"optimizer", o.optimizer},
          {"learning_rate", format_number(o.learning_rate)},
          {"beta", format_number(o.beta)},
          {"warmup_epochs", std::to_string(o.warmup_epochs)},
          {"seed", std::to_string(o.seed)}};
}

void train(const Options& o) {
  // Everything that can be wrong with the request is found before the first file is written.
  const TrainingOptions training{.batch = o.batch,
                                 .binarize = parse_binarize(o.binarize),
                                 .beta = o.beta,
                                 .warmup_epochs = o.warmup_epochs,
                                 .learning_rate = o.learning_rate,
                                 .seed = o.seed};
  set_thread_count(o.threads);
  std::optional<std::filesystem::path> folder;
  if (!o.data.empty()) folder = o.data;
  const Mnist mnist = load_mnist({.data = folder, .download = !o.no_download, .source = {.log = &std::cerr}});
  std::cout << describe(mnist) << "\n";
  Rng rng{o.seed};
  Vae<float> vae(model_of(o, mnist.train.images.shape(1) * mnist.train.images.shape(2)), rng);
  Optimizer<float> optimizer(parameters<float>(vae), parse_rule(o.optimizer), o.learning_rate);
  Trainer trainer(vae, mnist.train.images, optimizer, training);
  RunFolder run(o.out, o.overwrite);

  std::cout << "\n" << summary(vae) << "\n" << std::flush;
  Progress progress(std::cout, is_terminal(stdout), o.epochs, trainer.steps_per_epoch());
  for (std::size_t epoch = 1; epoch <= o.epochs; ++epoch) {
    const double rate = trainer.learning_rate(), start = steady_seconds();
    const Metrics train = trainer.run_epoch(
        [&](std::size_t step, const Metrics& m) { progress.step(step, m.elbo(), m.reconstruction, m.kl); });
    const double seconds = steady_seconds() - start;
    const Metrics test = trainer.evaluate(mnist.test.images);
    progress.end_epoch(train.elbo(), test.elbo(), test.reconstruction, test.kl);
    run.record({epoch, train.elbo(), test.elbo(), test.reconstruction, test.kl, rate, seconds,
                1e3 * seconds / static_cast<double>(trainer.steps_per_epoch())});
    run.save(vae, configuration_of(o, mnist));
  }

  write_png(run / "reconstructions.png",
            picture_reconstructions(vae, mnist.test.images, training.binarize, o.seed));
  write_png(run / "samples.png", picture_samples(vae, o.seed));
  write_png(run / "latents.png", picture_latents(vae, mnist.test, training.binarize, o.seed));
  if (o.latent == 2)
    write_png(run / "manifold.png",
              picture_manifold(vae, o.manifold == "linear" ? ManifoldGrid::linear : ManifoldGrid::quantiles));
  std::cout << "\nwritten to " << o.out
            << ": metrics.csv, model.safetensors, reconstructions.png, samples.png, "
            << (o.latent == 2 ? "manifold.png, " : "") << "latents.png\n";
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Trains a variational autoencoder on MNIST and writes metrics, weights and pictures.");
  Options options;
  declare(app, options);
  return run_program(app, argc, argv, [&] { train(options); });
}
