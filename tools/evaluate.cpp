// Estimates the likelihood of a trained model on test images.
#include <cmath>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>

#include "strata/tools/run/progress.hpp"
#include "strata/tools/run/trained_run.hpp"

namespace {

using namespace strata;
using namespace strata::tools;

struct Options : TrainedRunOptions {
  std::size_t samples = 5000, images = 0;
  bool json = false;
};

struct Evaluation {
  std::size_t images;
  MeanAndError elbo, log_likelihood;
  Metrics metrics;
  std::vector<std::size_t> active;
};

Evaluation evaluate(const Options& o, const Run& run, const Batch<float>& images) {
  const bool terminal = is_terminal(stderr);
  const auto estimates =
      estimate_likelihood(run.model, images, {.samples = o.samples, .seed = o.seed}, [&](std::size_t done) {
        if (terminal && (done % 10 == 0 || done == images.x.shape(0)))
          std::cerr << "\r" << done << " of " << images.x.shape(0) << " images" << std::flush;
      });
  if (terminal) std::cerr << "\r\033[K";
  std::vector<double> elbo, log_likelihood;
  Evaluation result{images.x.shape(0), {}, {}, {}, {}};
  for (const auto& estimate : estimates) {
    elbo.push_back(estimate.metrics.elbo());
    log_likelihood.push_back(estimate.log_likelihood);
    result.metrics += estimate.metrics / static_cast<double>(estimates.size());
  }
  result.elbo = mean_and_error(elbo);
  result.log_likelihood = mean_and_error(log_likelihood);
  Rng rng{o.seed, 0, streams::posterior_means};
  result.active = active_units(run.model, images, 16, rng);
  return result;
}

// Why there is no NLL, or nothing. Only x ∈ {0, 1} under a Bernoulli likelihood has a probability; a
// cross-entropy of grey levels and a density are no log-likelihoods.
std::string why_no_likelihood(const RunConfig& config) {
  if (config.binarize == Binarize::none)
    return "grey pixels have no probability under this model (trained with --binarize none)";
  if (config.likelihood != Likelihood::bernoulli)
    return "this model gives pixels a density, not a probability (trained with --likelihood " +
           to_string(config.likelihood) + ")";
  return "";
}

void print(const Options& o, const Run& run, const Mnist& mnist, const Evaluation& e) {
  const auto line = [](const std::string& name, const MeanAndError& value) {
    std::cout << std::left << std::setw(32) << name << std::right << std::fixed << std::setprecision(3)
              << std::setw(10) << value.mean << " ± " << value.standard_error << "\n";
  };
  std::cout << mnist.name << " test images: " << e.images << ", binarize " << to_string(run.config.binarize)
            << ", seed " << o.seed << "; nats per image, ± standard error over images\n";
  line("ELBO", e.elbo);
  if (const std::string why = why_no_likelihood(run.config); why.empty()) {
    line("NLL, " + std::to_string(o.samples) + " samples",
         {-e.log_likelihood.mean, e.log_likelihood.standard_error});
    line("IWAE bound, k = " + std::to_string(o.samples), e.log_likelihood);
  } else {
    std::cout << "no NLL: " << why << "\n";
  }
  for (std::size_t t = 0; t < e.active.size(); ++t)
    std::cout << "layer " << t + 1 << ": KL " << std::setprecision(3) << e.metrics.layer_kl[t] << ", "
              << e.active[t] << " of " << run.config.latent[t] << " units active\n";
}

void print_json(const Options& o, const Run& run, const Mnist& mnist, const Evaluation& e) {
  nlohmann::ordered_json report = {{"data_set", mnist.name},
                                   {"images", e.images},
                                   {"samples", o.samples},
                                   {"seed", o.seed},
                                   {"binarize", to_string(run.config.binarize)},
                                   {"elbo", e.elbo.mean},
                                   {"elbo_standard_error", e.elbo.standard_error}};
  if (why_no_likelihood(run.config).empty()) {
    report["nll"] = -e.log_likelihood.mean;
    report["nll_standard_error"] = e.log_likelihood.standard_error;
    report["iwae_bound"] = e.log_likelihood.mean;
  } else {
    report["nll"] = nullptr;
  }
  report["layer_kl"] = std::vector<double>(e.metrics.layer_kl.begin(), e.metrics.layer_kl.end());
  report["active_units"] = e.active;
  std::cout << report.dump(2) << "\n";
}

void run_evaluation(const Options& o) {
  if (o.samples == 0) fail("samples", "it is 0, but must be at least 1");
  const auto [run, mnist] = open(o);
  const std::size_t all = mnist.test.size();
  if (o.images > all)
    fail("images",
         std::to_string(o.images) + " are asked for; there are " + std::to_string(all) + " test images");
  const auto images = test_batch(mnist.test, o.images == 0 ? all : o.images, run.config, o.seed);
  const Evaluation evaluation = evaluate(o, run, images);
  o.json ? print_json(o, run, mnist, evaluation) : print(o, run, mnist, evaluation);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Estimates ELBO, NLL, KL and active units of a trained model on test images.");
  Options options;
  add_trained_run_options(app, options, "of the binarisation and the samples");
  app.add_option("--samples", options.samples, "importance samples for each image")
      ->transform(whole_number)
      ->capture_default_str();
  app.add_option("--images", options.images, "use the first so many test images; 0 for all")
      ->transform(whole_number)
      ->capture_default_str();
  app.add_flag("--json", options.json, "print JSON");
  return run_program(app, argc, argv, [&] { run_evaluation(options); });
}
