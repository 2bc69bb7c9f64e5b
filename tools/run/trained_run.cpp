#include "strata/tools/run/trained_run.hpp"

namespace strata::tools {

void add_trained_run_options(CLI::App& app, TrainedRunOptions& options, const std::string& seed_meaning) {
  app.add_option("run", options.run, "folder that train_mnist wrote")->required()->check(not_empty);
  add_data_options(app, options.data);
  app.add_option("--seed", options.seed, seed_meaning)->transform(whole_number)->capture_default_str();
  app.add_option("--threads", options.threads, "threads to use")
      ->transform(whole_number)
      ->capture_default_str();
}

TrainedRun open(const TrainedRunOptions& options) {
  use_threads(options.threads);
  TrainedRun opened{load_run(options.run), load(options.data)};
  if (opened.mnist.name != opened.run.data_set && options.data.data.empty())
    fail("data", "the run was trained on " + opened.run.data_set + ", and these are the images of " +
                     opened.mnist.name + " (" + opened.mnist.folder.string() +
                     "); name the folder with --data if you mean them");
  return opened;
}

Batch<float> test_batch(const Dataset& test, std::size_t count, const RunConfig& config, std::uint64_t seed) {
  Rng rng{seed, 0, streams::test_set};
  return first_examples<float>(test, count, config.binarize, rng);
}

PictureOptions picture_options(const RunConfig& config, const Dataset& data, std::uint64_t seed) {
  return {data.example_shape(), config.conditional ? data.classes : 0, seed};
}

bool has_manifold(const RunConfig& config) {
  return config.latent == std::vector<std::size_t>{2} && !config.conditional &&
         config.prior == PriorKind::standard;
}

}  // namespace strata::tools
