// Trains a variational autoencoder of one or many stochastic layers on MNIST and writes metrics, weights and
// pictures.
#include <iostream>

#include "nn/summary.hpp"
#include "tensor/io/png.hpp"
#include "tensor/parallel.hpp"
#include "tools/command_line.hpp"
#include "tools/mnist.hpp"
#include "tools/model_pictures.hpp"
#include "tools/progress.hpp"
#include "tools/run_folder.hpp"
#include "vae/likelihood.hpp"
#include "vae/streams.hpp"

namespace {

using namespace strata;
using namespace strata::tools;

struct Options {
  DataOptions data;
  std::string out = "runs/mnist", manifold = "quantiles";
  bool overwrite = false;
  std::size_t threads = thread_count();
  RunConfig run;
};

void declare(CLI::App& app, Options& o) {
  add_data_options(app, o.data);
  app.add_option("--out", o.out, "folder for metrics, weights and pictures")->capture_default_str();
  app.add_flag("--overwrite", o.overwrite, "replace the run that --out holds");
  add_options(app, o.run);
  app.add_option("--threads", o.threads, "threads to use")->transform(whole_number)->capture_default_str();
  app.add_option("--manifold", o.manifold, "manifold.png over the prior's quantiles, or linear from -2 to 2")
      ->check(CLI::IsMember({"quantiles", "linear"}).description(""))
      ->capture_default_str();
}

// Active units of every layer on test images, by few draws: for the progress of a run, not for a paper.
std::vector<std::size_t> count_active(MarkovHvae<float>& model, const ModelInput& input) {
  Rng rng{0, 0, streams::posterior_means};
  return active_units(model, input.x, input.condition, 4, rng);
}

void write_pictures(const Options& o, const RunFolder& folder, MarkovHvae<float>& model, const Mnist& mnist) {
  const auto few = model_input(mnist.test, 64, o.run, o.run.seed);
  const auto all = model_input(mnist.test, mnist.test.images.shape(0), o.run, o.run.seed);
  write_png(folder / "reconstructions.png", picture_reconstructions(model, few));
  write_png(folder / "samples.png", picture_samples(model, o.run, o.run.seed));
  write_png(folder / "latents.png", picture_latents(model, mnist.test, all));
  if (has_manifold(o.run))
    write_png(
        folder / "manifold.png",
        picture_manifold(model, o.manifold == "linear" ? ManifoldGrid::linear : ManifoldGrid::quantiles));
}

void train(const Options& o) {
  // Everything that can be wrong with the request is found before the first file is written.
  const TrainingOptions options = training_options(o.run);
  use_threads(o.threads);
  const Rule rule = parse_rule(o.run.optimizer);
  (void)model_config(o.run, 1);
  const Mnist mnist = load(o.data);
  Rng rng{o.run.seed};
  MarkovHvae<float> model(model_config(o.run, mnist.train.images.shape(1) * mnist.train.images.shape(2)),
                          rng);
  if (!o.run.no_output_bias) model.decoder.start_at(mean_image(mnist.train.images));
  Optimizer<float> optimizer(parameters<float>(model), rule, o.run.lr);
  Trainer trainer(model, mnist.train, optimizer, options);
  RunFolder folder(o.out, o.run.latent.size(), o.overwrite);

  std::cout << describe(mnist) << "\n\n" << summary(model) << "\n" << std::flush;
  const auto some = model_input(mnist.test, 1000, o.run, o.run.seed);
  Progress progress(std::cout, is_terminal(stdout), o.run.epochs, trainer.steps_per_epoch());
  for (std::size_t epoch = 1; epoch <= o.run.epochs; ++epoch) {
    const double rate = trainer.learning_rate(), start = steady_seconds();
    const Metrics trained = trainer.run_epoch(
        [&](std::size_t step, const Metrics& m) { progress.step(step, m.elbo(), m.reconstruction, m.kl()); });
    const double seconds = steady_seconds() - start;
    const Metrics tested = trainer.evaluate(mnist.test);
    progress.end_epoch(trained.elbo(), tested.elbo(), tested.reconstruction, tested.kl());
    folder.record({epoch, trained, tested, count_active(model, some), rate, seconds,
                   1e3 * seconds / static_cast<double>(trainer.steps_per_epoch())});
    folder.save(model, o.run, mnist.name);
  }
  write_pictures(o, folder, model, mnist);
  std::cout << "\nwritten to " << o.out
            << ": metrics.csv, model.safetensors, reconstructions.png, samples.png, "
            << (has_manifold(o.run) ? "manifold.png, " : "") << "latents.png\n";
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Trains a variational autoencoder of one or many stochastic layers on MNIST.");
  Options options;
  declare(app, options);
  return run_program(app, argc, argv, [&] { train(options); });
}
