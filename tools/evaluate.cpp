// Estimates the likelihood of a trained model on test images.
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>

#include "strata/tensor/io/file.hpp"
#include "strata/tools/run/evaluation.hpp"
#include "strata/tools/run/trained_run.hpp"

namespace {

using namespace strata;
using namespace strata::tools;

struct Options : TrainedRunOptions {
  std::size_t images = 0;
  std::vector<std::string> further_runs;
  std::string per_image;
  std::size_t known_labels = 0;
  std::string classifier;  // the folder of its run
  EvaluationOptions evaluation = {};
  bool json = false;
};

void print_line(const std::string& name, const MeanAndError& value, std::size_t images) {
  std::cout << std::left << std::setw(32) << name << std::right << std::setw(10) << value.mean;
  if (images == 1)
    std::cout << " (of one image: no standard error)\n";
  else
    std::cout << " ± " << value.standard_error << "\n";
}

MeanAndError negative(const MeanAndError& value) { return {-value.mean, value.standard_error}; }

// How far an NLL by importance sampling can be believed.
void print(const Convergence& c, std::size_t images) {
  std::cout << "  effective sample size: median " << std::setprecision(1) << c.median_effective
            << ", smallest " << c.smallest_effective << ", below 10 for " << c.below_ten << " of " << images
            << " images\n"
            << std::setprecision(3);
  if (c.nll.size() > 1) {
    for (const auto& [draws, nll] : c.nll)
      std::cout << (draws == c.nll.front().first ? "  NLL with " : ", ") << draws << " draws: " << nll;
    std::cout << "\n  extrapolated bias of the last: " << c.extrapolated_bias << "\n";
  }
  if (!c.converged())
    std::cout << "  NOT CONVERGED, an upper bound of the NLL and no estimate: " << c.doubt << "\n";
}

void print(const AnnealingOptions& o, const Annealed& a, std::size_t images) {
  print_line("NLL, annealed in " + std::to_string(o.temperatures) + " steps", negative(a.log_likelihood),
             images);
  if (o.chains > 1)
    std::cout << "  its own error: ± " << a.own_error;
  else
    std::cout << "  its own error is not known of one chain";
  std::cout << "; effective chains: mean " << std::setprecision(1) << a.mean_effective << ", smallest "
            << a.smallest_effective << ", of " << o.chains << std::setprecision(3) << "\n";
  if (a.simulated > 0)
    std::cout << "  bidirectional check on " << a.simulated << " images drawn from the model: NLL between "
              << -a.upper << " and " << -a.lower << ", gap " << a.upper - a.lower << "\n";
  if (const auto why = a.doubt(); !why.empty())
    std::cout << "  NOT CONVERGED, an upper bound of the NLL and no estimate: " << why << "\n";
}

// What all figures are of.
std::string heading(const Options& o, const ImageData& data, std::size_t images,
                    const std::string& how = "") {
  return data.name + " test images: " + std::to_string(images) + how + ", seed " + std::to_string(o.seed) +
         "; nats per image, ± standard error over images\n";
}

std::string labels_text(std::size_t known) {
  return known == 0 ? "all labels" : std::to_string(known) + " labels";
}

void print(const Options& o, const Run& run, const ImageData& data, const Evaluation& e) {
  std::cout << std::fixed << std::setprecision(3)
            << heading(o, data, e.images, ", binarize " + to_string(run.config.binarize));
  if (const std::string choice = choice_of(run); !choice.empty()) std::cout << choice << "\n";
  print_line("ELBO", e.elbo, e.images);
  if (const std::string why = why_no_likelihood(run.config); why.empty()) {
    print_line("NLL, " + std::to_string(o.evaluation.samples) + " samples",
               negative(e.encoder.log_likelihood), e.images);
    print_line("IWAE bound, k = " + std::to_string(o.evaluation.samples), e.encoder.log_likelihood, e.images);
    print(e.encoder.convergence, e.images);
    if (e.refined) {
      print_line("NLL, refined, " + std::to_string(o.evaluation.samples) + " samples",
                 negative(e.refined->log_likelihood), e.images);
      if (e.not_fitted > 0)
        std::cout << "  the fit was not finite for " << e.not_fitted << " of " << e.images
                  << " images: their draws are those of q(z | x)\n";
      print(e.refined->convergence, e.images);
    }
    if (e.annealed) print(o.evaluation.annealing, *e.annealed, e.images);
  } else {
    std::cout << "no NLL: " << why << "\n";
  }
  for (std::size_t t = 0; t < e.active.size(); ++t)
    std::cout << "layer " << t + 1 << ": KL " << e.metrics.layer_kl[t] << ", " << e.active[t] << " of "
              << run.model.latent()[t] << " units active\n";
  if (e.classes)
    std::cout << to_string(*e.classes)
              << (run.config.model == ModelKind::m2
                      ? ", " + labels_text(run.config.known_labels) + " known in training"
                      : "")
              << "\n";
  if (e.feature_error)
    std::cout << "classification error by logistic regression on E[z_1 | x]: " << 100 * *e.feature_error
              << " %, " << labels_text(o.known_labels) << " known\n";
  if (e.frechet)
    std::cout << "Fréchet distance of " << e.images
              << " E[x | z] of draws from the model: " << e.frechet->samples
              << "; of as many training images: " << e.frechet->training
              << "\n  in the features of the classifier of " << printable(o.classifier)
              << ", and not Inception's: to be compared by the same classifier alone\n";
  if (e.components_used)
    std::cout << "components of more than 1 % of the examples: " << *e.components_used << "\n";
}

using Json = nlohmann::ordered_json;

// NaN becomes null.
void add_opinion(Json& report, const Opinion& opinion) {
  const Convergence& c = opinion.convergence;
  report["nll"] = -opinion.log_likelihood.mean;
  report["nll_standard_error"] = opinion.log_likelihood.standard_error;
  report["converged"] = c.converged();
  report["doubt"] = c.converged() ? Json() : Json(c.doubt);
  report["effective_samples"] = {
      {"median", c.median_effective}, {"smallest", c.smallest_effective}, {"images_below_10", c.below_ten}};
  for (const auto& [draws, nll] : c.nll) report["nll_after"][std::to_string(draws)] = nll;
  report["extrapolated_bias"] = c.extrapolated_bias;
}

Json to_json(const AnnealingOptions& o, const Annealed& a) {
  const std::string why = a.doubt();
  return {{"nll", -a.log_likelihood.mean},
          {"nll_standard_error", a.log_likelihood.standard_error},
          {"own_error", o.chains > 1 ? Json(a.own_error) : Json()},
          {"converged", why.empty()},
          {"doubt", why.empty() ? Json() : Json(why)},
          {"temperatures", o.temperatures},
          {"chains", o.chains},
          {"effective_chains", {{"mean", a.mean_effective}, {"smallest", a.smallest_effective}}},
          {"simulated", {{"images", a.simulated}, {"nll_above", -a.upper}, {"nll_below", -a.lower}}}};
}

Json to_json(const Options& o, const Run& run, const ImageData& data, const Evaluation& e) {
  Json report = {{"data_set", data.name}, {"model", run.file},
                 {"images", e.images},    {"samples", o.evaluation.samples},
                 {"seed", o.seed},        {"binarize", to_string(run.config.binarize)},
                 {"elbo", e.elbo.mean},   {"elbo_standard_error", e.elbo.standard_error}};
  if (why_no_likelihood(run.config).empty()) {
    add_opinion(report, e.encoder);
    report["iwae_bound"] = e.encoder.log_likelihood.mean;
    if (e.refined) {
      add_opinion(report["refined"], *e.refined);
      report["refined"]["images_not_fitted"] = e.not_fitted;
    }
    if (e.annealed) report["ais"] = to_json(o.evaluation.annealing, *e.annealed);
  } else {
    report["nll"] = nullptr;
  }
  report["layer_kl"] = std::vector<double>(e.metrics.layer_kl.begin(), e.metrics.layer_kl.end());
  report["active_units"] = e.active;
  if (e.classes) report[e.classes->measure] = e.classes->share;
  if (e.feature_error)
    report["feature_error"] = {{"known_labels", o.known_labels}, {"error", *e.feature_error}};
  if (e.frechet)
    report["frechet"] = {{"classifier", o.classifier},
                         {"samples", e.frechet->samples},
                         {"training_images", e.frechet->training}};
  if (e.components_used) report["components_used"] = *e.components_used;
  return report;
}

std::string text(const Json& json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

// For `report`; a run that may only be read is evaluated all the same.
void keep(const std::string& run, const std::string& json) {
  try {
    write_atomically(own_file(run, evaluation_name), json, "evaluate");
  } catch (const std::runtime_error& error) {
    std::cerr << "evaluate: the result is not kept in the run's folder: " << printable(error.what()) << "\n";
  }
}

void run_evaluation(const Options& o, Group* group) {
  if (o.evaluation.samples == 0) fail("samples", "it is 0, but must be at least 1");
  if (!o.per_image.empty() && !o.further_runs.empty())
    fail("per-image", "it is of one run, and " + std::to_string(1 + o.further_runs.size()) + " are given");
  auto [first, data] = open(o, group);
  const std::size_t all = data.test.size();
  if (o.images > all)
    fail("images",
         std::to_string(o.images) + " are asked for; there are " + std::to_string(all) + " test images");
  EvaluationOptions options = o.evaluation;
  options.seed = o.seed;
  options.group = group;
  std::vector<std::string> names = {o.run};
  names.insert(names.end(), o.further_runs.begin(), o.further_runs.end());
  std::vector<Run> runs;  // all are read before the first is evaluated
  runs.push_back(std::move(first));
  for (const std::string& name : o.further_runs)
    require_data(runs.emplace_back(load_whole(name)), data, o.data);
  std::vector<Evaluation> evaluations;
  Json reports = Json::array();
  for (const Run& run : runs) {
    const std::size_t count = o.images == 0 ? all : o.images;
    const auto error = o.known_labels == 0 ? std::optional<double>()
                                           : feature_error(run, data, o.known_labels, count, o.seed);
    evaluations.push_back(evaluate(run, test_batch(data.test, count, run.config, o.seed), options));
    evaluations.back().feature_error = error;
    if (!o.classifier.empty())
      evaluations.back().frechet = frechet(run, load_run(o.classifier), data, count, o.seed);
    reports.push_back(to_json(o, run, data, evaluations.back()));
    reports.back()["run"] = names[reports.size() - 1];
    if (is_first(group)) keep(names[reports.size() - 1], text(reports.back()));
  }
  if (!o.per_image.empty() && is_first(group))
    write_atomically(o.per_image, per_image_csv(evaluations[0], runs[0], data), "evaluate");
  const bool several = names.size() > 1;
  if (o.json)
    std::cout << text(several ? reports : reports[0]);
  else if (several)
    std::cout << heading(o, data, evaluations[0].images) << comparison(names, runs, evaluations);
  else
    print(o, runs[0], data, evaluations[0]);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Estimates ELBO, NLL, KL and active units of a trained model on test images.");
  Options options;
  add_trained_run_options(app, options, "of the binarisation and the samples");
  app.add_option("further_runs", options.further_runs, "others, for a table of all");
  app.add_option("--samples", options.evaluation.samples, "importance samples for each image")
      ->transform(whole_number)
      ->capture_default_str();
  app.add_option("--images", options.images, "use the first so many test images; 0 for all")
      ->transform(whole_number)
      ->capture_default_str();
  app.add_option_function<std::string>(
         "--proposal", [&](const std::string& name) { options.evaluation.proposal = parse<Proposal>(name); },
         "encoder: sample from q(z | x); refined: also from a normal fitted to each image's posterior")
      ->default_str("encoder");
  app.add_option("--refinement-steps", options.evaluation.refinement.steps, "of each fit")
      ->transform(whole_number)
      ->capture_default_str();
  app.add_flag("--ais", options.evaluation.ais, "estimate the NLL by annealed importance sampling, too");
  app.add_option("--temperatures", options.evaluation.annealing.temperatures, "of --ais")
      ->transform(whole_number)
      ->capture_default_str();
  app.add_option("--chains", options.evaluation.annealing.chains, "of --ais for each image")
      ->transform(whole_number)
      ->capture_default_str();
  app.add_option("--known-labels", options.known_labels,
                 "classify by logistic regression on E[z_1 | x] of so many training images; 0: do not")
      ->transform(whole_number)
      ->capture_default_str();
  app.add_option("--frechet", options.classifier,
                 "compare samples with test images, in the features of the classifier of this run of m2")
      ->check(not_empty);
  app.add_option("--per-image", options.per_image, "write a table of every image's figures to this file")
      ->check(not_empty);
  app.add_flag("--json", options.json, "print JSON");
  return run_program(app, argc, argv, [&](Group* group) { run_evaluation(options, group); });
}
