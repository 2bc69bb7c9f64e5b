#include "tools/trained_run.hpp"

namespace strata::tools {

void add_trained_run_options(CLI::App& app, TrainedRunOptions& options, const std::string& seed_meaning) {
  app.add_option("run", options.run, "folder that train_mnist wrote")->required();
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

}  // namespace strata::tools
