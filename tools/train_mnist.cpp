// Trains a variational autoencoder of one or many stochastic layers on MNIST and writes metrics, weights and
// pictures.
#include <iostream>

#include "strata/nn/summary.hpp"
#include "strata/tensor/io/png.hpp"
#include "strata/tensor/parallel.hpp"
#include "strata/tools/pictures/model_pictures.hpp"
#include "strata/tools/run/progress.hpp"
#include "strata/tools/run/trained_run.hpp"

namespace {

using namespace strata;
using namespace strata::tools;

struct Options {
  DataOptions data;
  std::string out = "runs/mnist";
  ManifoldGrid manifold = ManifoldGrid::quantiles;
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
  app.add_option_function<std::string>(
         "--manifold", [&o](const std::string& name) { o.manifold = parse<ManifoldGrid>(name); },
         "manifold.png over the prior's quantiles, or linear from -2 to 2: " + choices<ManifoldGrid>())
      ->default_str(to_string(o.manifold));
}

void write_pictures(const Options& o, const RunFolder& folder, const Vae<float>& model, const Mnist& mnist) {
  const auto options = picture_options(o.run, mnist.test, o.run.seed);
  const auto few = test_batch(mnist.test, 64, o.run, o.run.seed);
  const auto all = test_batch(mnist.test, mnist.test.size(), o.run, o.run.seed);
  write_png(folder / "reconstructions.png", picture_reconstructions(model, few, options));
  write_png(folder / "samples.png", picture_samples(model, options));
  write_png(folder / "latents.png", picture_latents(model, mnist.test, all));
  if (has_manifold(o.run)) write_png(folder / "manifold.png", picture_manifold(model, o.manifold, options));
}

void train(const Options& o) {
  // Everything that can be wrong with the request is found before the first file is written.
  require_possible(o.run);
  use_threads(o.threads);
  const Mnist mnist = load(o.data);
  Rng rng{o.run.seed};
  Vae<float> model(model_config(o.run, mnist.train.width(), mnist.train.classes), rng);
  if (!o.run.no_output_bias) model.start_at(mean_example(mnist.train));
  Optimizer<float> optimizer(parameters(model), o.run.optimizer, o.run.lr);
  ObjectiveStep step(model, optimizer, objective_of(o.run), objective_options(o.run));
  Trainer trainer(step, mnist.train, training_options(o.run));
  Average average;
  if (o.run.ema > 0) average.emplace(model, o.run.ema);
  const Vae<float>& evaluated = average ? average->average : model;
  RunFolder folder(o.out, o.run.latent.size(), o.overwrite);

  std::cout << describe(mnist) << "\n\n" << summary(model) << "\n" << std::flush;
  const auto some = test_batch(mnist.test, 1000, o.run, o.run.seed);
  Progress progress(std::cout, is_terminal(stdout), o.run.epochs, trainer.steps_per_epoch());
  for (std::size_t epoch = 1; epoch <= o.run.epochs; ++epoch) {
    const double start = steady_seconds();
    const Metrics trained = trainer.run_epoch([&](std::size_t done, const Metrics& m) {
      if (average) average->update();
      progress.step(done, m.elbo(), m.reconstruction, m.kl());
    });
    const double seconds = steady_seconds() - start;
    const Metrics tested = trainer.evaluate(evaluated, mnist.test);
    progress.end_epoch(trained.elbo(), tested.elbo(), tested.reconstruction, tested.kl());
    Rng few_draws{0, 0, streams::posterior_means};  // for the progress of a run, not for a paper
    folder.record({epoch, trained, tested, active_units(evaluated, some, 4, few_draws),
                   step.learning_rate(epoch - 1), seconds,
                   1e3 * seconds / static_cast<double>(trainer.steps_per_epoch())});
    folder.save(model, average, o.run, mnist.name);
  }
  write_pictures(o, folder, evaluated, mnist);
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
