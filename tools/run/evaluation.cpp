#include "strata/tools/run/evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <iostream>

#include "strata/tools/run/progress.hpp"

namespace strata::tools {
namespace {

Opinion opinion_of(const std::vector<LikelihoodEstimate>& estimates, const std::vector<std::size_t>& counts) {
  std::vector<double> log_likelihood;
  for (const auto& estimate : estimates) log_likelihood.push_back(estimate.log_likelihood);
  return {mean_and_error(log_likelihood), convergence(estimates, counts)};
}

// Shows how far a loop over images is, on a terminal.
auto counter(const char* what, std::size_t images) {
  return [=, terminal = is_terminal(stderr)](std::size_t done) {
    if (!terminal) return;
    if (done == images)
      std::cerr << "\r\033[K" << std::flush;
    else
      std::cerr << "\r" << what << ": " << done << " of " << images << " images" << std::flush;
  };
}

Annealed anneal(const EvaluationOptions& o, const Run& run, const Batch<float>& images) {
  constexpr std::size_t checked = 10;
  AnnealingOptions options = o.annealing;
  options.seed = o.seed;
  const std::size_t count = images.x.value().shape(0);
  Annealed result{{}, 0, 0, 0, std::min(checked, count), 0, 0};
  std::vector<double> log_likelihood, effective;
  for (const auto& estimate : estimate_annealed(run.model, images, options, counter("annealing", count))) {
    log_likelihood.push_back(estimate.log_likelihood);
    result.own_error += std::pow(estimate.standard_error() / static_cast<double>(count), 2);
    effective.push_back(estimate.effective_samples);
  }
  result.log_likelihood = mean_and_error(log_likelihood);
  result.own_error = std::sqrt(result.own_error);
  result.mean_effective = mean_and_error(effective).mean;
  result.smallest_effective = *std::min_element(effective.begin(), effective.end());
  Batch<float> simulated = images.rows(0, result.simulated);  // for its conditions
  Rng rng{o.seed, 0, streams::simulation};
  const auto drawn = simulate<float>(run.model, result.simulated, simulated.condition, rng);
  fill_bernoulli(rng, drawn.mean, simulated.x.write());
  for (const auto& [lower, upper] : bracket_simulated(run.model, simulated, drawn.z, options,
                                                      counter("bidirectional check", result.simulated))) {
    result.lower += lower.log_likelihood / static_cast<double>(result.simulated);
    result.upper += upper / static_cast<double>(result.simulated);
  }
  return result;
}

}  // namespace

std::string Annealed::doubt() const {
  constexpr double widest = 0.2;  // nats
  return upper - lower <= widest ? ""
                                 : "the bounds on simulated images are far apart; use more --temperatures";
}

std::string why_no_likelihood(const RunConfig& config) {
  if (config.binarize == Binarize::none)
    return "grey pixels have no probability under this model (trained with --binarize none)";
  if (config.likelihood != Likelihood::bernoulli)
    return "this model gives pixels a density, not a probability (trained with --likelihood " +
           to_string(config.likelihood) + ")";
  return "";
}

Evaluation evaluate(const Run& run, const Batch<float>& images, const EvaluationOptions& o) {
  const std::size_t count = images.x.value().shape(0);
  const auto counts = convergence_counts(o.samples);
  const auto estimates =
      estimate_likelihood(run.model, images, {.samples = o.samples, .seed = o.seed, .counts = counts},
                          counter("importance sampling", count));
  std::vector<double> elbo;
  Evaluation result{count, {}, {}, {}, opinion_of({estimates.begin(), estimates.end()}, counts), {}, 0, {}};
  for (const auto& estimate : estimates) {
    elbo.push_back(estimate.metrics.elbo());
    result.metrics += estimate.metrics / static_cast<double>(count);
  }
  result.elbo = mean_and_error(elbo);
  if (why_no_likelihood(run.config).empty()) {
    if (o.proposal == Proposal::refined) {
      RefinementOptions options = o.refinement;
      options.samples = o.samples;
      options.seed = o.seed;
      options.counts = counts;
      const auto refined = estimate_refined(run.model, images, options, counter("refining", count));
      result.refined = opinion_of({refined.begin(), refined.end()}, counts);
      result.not_fitted = static_cast<std::size_t>(std::count_if(
          refined.begin(), refined.end(), [](const auto& estimate) { return !estimate.fitted; }));
    }
    if (o.ais) result.annealed = anneal(o, run, images);
  }
  Rng rng{o.seed, 0, streams::posterior_means};
  result.active = active_units(run.model, images, 16, rng);
  return result;
}

}  // namespace strata::tools
