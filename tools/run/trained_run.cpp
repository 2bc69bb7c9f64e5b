#include "strata/tools/run/trained_run.hpp"

#include <iostream>

#include "strata/tools/run/view.hpp"

namespace strata::tools {

void add_trained_run_options(CLI::App& app, TrainedRunOptions& options, const std::string& seed_meaning) {
  app.add_option("run", options.run, "folder that train_mnist wrote")->required()->check(not_empty);
  add_data_options(app, options.data);
  app.add_option("--seed", options.seed, seed_meaning)->transform(whole_number)->capture_default_str();
  app.add_option("--threads", options.threads, "threads to use")
      ->transform(whole_number)
      ->capture_default_str();
}

Run load_whole(const std::filesystem::path& folder) {
  Run run = load_run(folder);
  if (run.config.feature_draws == 0 || run.config.model != ModelKind::vae) return run;
  const Run first = load_run(run.config.features);
  const auto* stage = std::get_if<Vae<float>>(&first.model.chosen);
  if (stage == nullptr) fail("features", "a first stage is a run of --model vae");
  run.model.chosen = TwoStage<float>(*stage, std::get<Vae<float>>(run.model.chosen));
  run.pixels = first.pixels;
  run.config.binarize = first.config.binarize;
  run.config.likelihood = first.config.likelihood;
  run.config.features.clear();
  return run;
}

TrainedRun open(const TrainedRunOptions& options, Group* group) {
  use_threads(options.threads);
  TrainedRun opened{load_whole(options.run), load(options.data, group)};
  RunConfig read = opened.run.config;
  read.feature_draws = 0;  // they are for training: programs that read a run read means
  view(opened.data, read);
  require_data(opened.run, opened.data, options.data);
  std::cerr << opened.data.notes;
  return opened;
}

void require_data(const Run& run, const ImageData& data, const DataOptions& options) {
  const bool same =
      run.data_checksum.empty() ? data.name == run.data_set : data.checksum == run.data_checksum;
  const std::string facts = "the run was trained on " + run.data_set + ", and these are the images of " +
                            data.name + " (" + data.path.string() + ")";
  if (!same && options.data.empty()) fail("data", facts + "; name them with --data if you mean them");
  if (data.test.width() != run.pixels)
    fail("data", facts + ", of " + std::to_string(data.test.width()) + " pixels instead of " +
                     std::to_string(run.pixels));
  if (reads_labels(run.config) && data.test.classes != run.labels)
    fail("data", facts + ", with " + std::to_string(data.test.classes) + " labels instead of " +
                     std::to_string(run.labels));
}

Batch<float> test_batch(const Dataset& test, std::size_t count, const RunConfig& config, std::uint64_t seed) {
  Rng rng{seed, 0, streams::test_set};
  return first_examples<float>(test, count, config.binarize, rng);
}

PictureOptions picture_options(const RunConfig& config, const ImageData& data, std::uint64_t seed) {
  return {data.test.example_shape(), reads_labels(config) ? data.labels : std::vector<std::string>{}, seed};
}

bool reads_labels(const RunConfig& config) { return config.conditional || config.model == ModelKind::m2; }

bool has_manifold(const RunConfig& config) {
  return config.latent == std::vector<std::size_t>{2} && !config.conditional &&
         config.model == ModelKind::vae && config.prior == PriorKind::standard;
}

}  // namespace strata::tools
