#include "strata/tools/run/evaluation.hpp"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <iostream>
#include <numeric>
#include <sstream>

#include "strata/tensor/io/file.hpp"
#include "strata/tools/run/progress.hpp"
#include "strata/tools/run/trained_run.hpp"
#include "strata/tools/run/view.hpp"
#include "strata/vae/classification.hpp"
#include "strata/vae/frechet.hpp"

namespace strata::tools {
namespace {

Opinion opinion_of(const std::vector<LikelihoodEstimate>& estimates, const std::vector<std::size_t>& counts) {
  std::vector<double> log_likelihood;
  for (const auto& estimate : estimates) log_likelihood.push_back(estimate.log_likelihood);
  return {mean_and_error(log_likelihood), convergence(estimates, counts)};
}

// Shows how far a loop over images is and how long it still takes, on a terminal.
auto counter(const char* what, std::size_t images) {
  return [=, terminal = is_terminal(stderr), start = steady_seconds()](std::size_t done) {
    if (!terminal) return;
    std::cerr << "\r\033[K";
    if (done < images) std::cerr << progress_text(what, done, images, steady_seconds() - start);
    std::cerr << std::flush;
  };
}

std::string three_decimals(double x) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(3) << x;
  return text.str();
}

std::string with_error(const MeanAndError& value) {
  return three_decimals(value.mean) +
         (std::isnan(value.standard_error) ? "" : " ± " + three_decimals(value.standard_error));
}

// A cell of a table of comma-separated values.
std::string quoted(const std::string& cell) {
  if (cell.find_first_of(",\"\r\n") == std::string::npos) return cell;
  std::string text = "\"";
  for (const char c : cell) text += c == '"' ? "\"\"" : std::string(1, c);
  return text + "\"";
}

// Columns side by side.
std::string aligned(const std::vector<std::vector<std::string>>& rows) {
  const auto width = [](const std::string& text) {  // in characters of UTF-8
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](unsigned char c) { return (c & 0xc0) != 0x80; }));
  };
  std::vector<std::size_t> widths(rows[0].size());
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i)
      text += row[i] + (i + 1 < row.size() ? std::string(widths[i] - width(row[i]) + 2, ' ') : "\n");
  }
  return text;
}

Annealed anneal(const EvaluationOptions& o, const Run& run, const Batch<float>& images) {
  constexpr std::size_t checked = 10;
  AnnealingOptions options = o.annealing;
  options.seed = o.seed;
  options.group = o.group;
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
  const auto brackets = bracket_simulated(run.model, simulated, drawn.z, options,
                                          counter("bidirectional check", result.simulated));
  result.simulated = brackets.size();
  for (const auto& [lower, upper] : brackets) {
    result.lower += lower.log_likelihood / static_cast<double>(result.simulated);
    result.upper += upper / static_cast<double>(result.simulated);
  }
  return result;
}

}  // namespace

std::string progress_text(const std::string& what, std::size_t done, std::size_t all, double seconds) {
  return what + ": " + std::to_string(done) + " of " + std::to_string(all) + " images, " +
         format_duration(seconds / static_cast<double>(done) * static_cast<double>(all - done)) + " left";
}

std::string Annealed::doubt() const {
  constexpr double widest = 0.2;  // nats
  if (simulated == 0)
    return "the bidirectional check cannot be made of this model, since it takes every class";
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
  const auto estimates = estimate_likelihood(
      run.model, images, {.samples = o.samples, .seed = o.seed, .counts = counts, .group = o.group},
      counter("importance sampling", count));
  std::vector<double> elbo;
  Evaluation result{.images = count,
                    .has_likelihood = why_no_likelihood(run.config).empty(),
                    .encoder = opinion_of({estimates.begin(), estimates.end()}, counts),
                    .each = estimates};
  for (const auto& estimate : estimates) {
    elbo.push_back(estimate.metrics.elbo());
    result.metrics += estimate.metrics / static_cast<double>(count);
  }
  result.elbo = mean_and_error(elbo);
  if (result.has_likelihood) {
    if (o.proposal == Proposal::refined) {
      RefinementOptions options = o.refinement;
      options.samples = o.samples;
      options.seed = o.seed;
      options.counts = counts;
      options.group = o.group;
      const auto refined = estimate_refined(run.model, images, options, counter("refining", count));
      result.refined = opinion_of({refined.begin(), refined.end()}, counts);
      result.not_fitted = static_cast<std::size_t>(std::count_if(
          refined.begin(), refined.end(), [](const auto& estimate) { return !estimate.fitted; }));
    }
    if (o.ais) result.annealed = anneal(o, run, images);
  }
  Rng rng{o.seed, 0, streams::posterior_means};
  result.active = active_units(run.model, images, 16, rng, o.group);
  result.classes = judge_classes(run.model, images);
  run.model.visit([&](const auto& model) {
    if constexpr (requires { model.used(); }) result.components_used = model.used();
  });
  return result;
}

double feature_error(const Run& run, const ImageData& data, std::size_t known, std::size_t count,
                     std::uint64_t seed) {
  if (run.config.model == ModelKind::m2)
    fail("known-labels", "m2 tells classes itself, with those of its training");
  Rng rng{seed, 0, streams::known_labels};
  const auto labels = with_few_labels(data.train, known, 1, rng).labels;
  if (!data.test.labels) fail("known-labels", "the test images have no labels");
  std::vector<std::size_t> rows, tested(count), classes, true_classes;
  for (std::size_t i = 0; i < labels->size(); ++i)
    if ((*labels)(i) != unknown_label) rows.push_back(i), classes.push_back((*labels)(i));
  std::iota(tested.begin(), tested.end(), std::size_t{0});
  for (const std::size_t i : tested) true_classes.push_back((*data.test.labels)(i));
  const auto p = logistic_regression(features(run, data.train, rows), classes, data.train.classes,
                                     features(run, data.test, tested));
  return error_rate(p, true_classes);
}

Frechet frechet(const Run& run, const Run& classifier, const ImageData& data, std::size_t count,
                std::uint64_t seed) {
  const auto* m2 = std::get_if<M2<float>>(&classifier.model.chosen);
  if (m2 == nullptr || classifier.pixels != run.pixels || !is_image(data.test))
    fail("frechet", "needs a run of m2 on images as these, for the features of its classifier");
  constexpr std::size_t together = 1000;
  Rng rng{seed, 0, streams::samples};
  Tape<float> tape(Record::values);
  const auto features = [&](std::size_t rows, auto images) {  // images(first, last): so many on the tape
    Tensor<float> all;
    for (std::size_t first = 0; first < rows; first += together) {
      const std::size_t last = std::min(first + together, rows);
      tape.reset();
      const Tensor<float>& some = m2->body(images(first, last)).value();
      if (first == 0) all = Tensor<float>::from_shape({rows, some.shape(1)});
      xt::view(all, xt::range(first, last)) = some;
    }
    return all;
  };
  const auto grey = first_examples<float>(data.test, count, Binarize::none, rng);
  const auto of_images = [&](const Batch<float>& batch) {
    return features(batch.x.value().shape(0), [&](std::size_t first, std::size_t last) {
      return tape.constant(batch.rows(first, last).x.value());
    });
  };
  const auto wanted = of_images(grey),
             of_draws = features(count, [&](std::size_t first, std::size_t last) {
               const auto condition = reads_labels(run.config)
                                          ? tape.constant(grey.rows(first, last).condition->value())
                                          : Var<float>();
               return run.model.decode(run.model.draw(tape, 1, last - first, condition, rng), condition, rng);
             });
  return {frechet_distance(of_draws, wanted),
          frechet_distance(of_images(first_examples<float>(data.train, count, Binarize::none, rng)), wanted)};
}

std::string per_image_csv(const Evaluation& evaluation, const Run& run, const ImageData& data) {
  std::ostringstream csv;
  csv << "image,label,elbo,nll";
  for (std::size_t t = 1; t <= run.model.latent().size(); ++t) csv << ",kl_" << t;
  csv << std::setprecision(9) << "\n";
  for (std::size_t i = 0; i < evaluation.each.size(); ++i) {
    const ImageEstimate& image = evaluation.each[i];
    csv << i << ',' << (data.test.labels ? quoted(data.labels[(*data.test.labels)(i)]) : "") << ','
        << image.metrics.elbo() << ',';
    if (evaluation.has_likelihood) csv << -image.log_likelihood;
    for (const double kl : image.metrics.layer_kl) csv << ',' << kl;
    csv << "\n";
  }
  return csv.str();
}

std::string comparison(const std::vector<std::string>& names, const std::vector<Run>& runs,
                       const std::vector<Evaluation>& evaluations) {
  std::vector<std::vector<std::string>> rows = {{"run", "binarize", "ELBO", "NLL", "KL", "active units"}};
  const bool refined = evaluations[0].refined.has_value(), annealed = evaluations[0].annealed.has_value();
  if (refined) rows[0].push_back("NLL, refined");
  if (annealed) rows[0].push_back("NLL, annealed");
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Evaluation& e = evaluations[i];
    std::string active;
    for (const std::size_t units : e.active) active += (active.empty() ? "" : " + ") + std::to_string(units);
    const auto nll = [&](const MeanAndError& ll, bool converged) {
      return with_error({-ll.mean, ll.standard_error}) + (converged ? "" : " (bound)");
    };
    rows.push_back({printable(names[i]), to_string(runs[i].config.binarize), with_error(e.elbo), "none",
                    three_decimals(e.metrics.kl()), active});
    if (e.has_likelihood) rows.back()[3] = nll(e.encoder.log_likelihood, e.encoder.convergence.converged());
    if (refined)
      rows.back().push_back(e.refined ? nll(e.refined->log_likelihood, e.refined->convergence.converged())
                                      : "none");
    if (annealed)
      rows.back().push_back(e.annealed ? nll(e.annealed->log_likelihood, e.annealed->doubt().empty())
                                       : "none");
  }
  return aligned(rows);
}

}  // namespace strata::tools
