#include "strata/tools/run/run_state.hpp"

#include <algorithm>
#include <cmath>

#include "strata/tools/run/classes.hpp"

namespace strata::tools {
namespace {

// Halfway from the mean image to one for each component.
Tensor<float> means_apart(const RunConfig& c, const Dataset& train, Rng& rng) {
  const auto few = first_examples<float>(train, c.components, Binarize::none, rng);
  return 0.5f * (few.x.value() + mean_example(train));
}

// Σ −ln q(y | x) over images of known label is to weigh as that of `classifier_weight` of all images.
float classifier_weight(const RunConfig& c, const Dataset& train) {
  const auto known =
      train.labels
          ? static_cast<double>(train.size()) -
                static_cast<double>(std::count(train.labels->begin(), train.labels->end(), unknown_label))
          : 1;
  return static_cast<float>(c.classifier_weight * static_cast<double>(train.size()) / std::max(known, 1.0));
}

Model initial_model(const RunConfig& c, const Dataset& train) {
  Rng rng{c.seed};
  Model model = make_model(c, train.width(), train.classes, rng);
  require_support("data", train, c.binarize, support_of(model));
  model.visit([&](auto& chosen) {
    if constexpr (requires { chosen.start_apart(Tensor<float>()); })
      chosen.start_apart(means_apart(c, train, rng));
    else if (!c.no_output_bias)
      chosen.start_at(mean_example(train));
    if constexpr (requires { chosen.encode_prior(); })
      if (c.components_from_data)
        chosen.start_pseudo_inputs(first_examples<float>(train, c.components, Binarize::none, rng).x.value());
    if constexpr (requires { chosen.classifier_weight; })
      chosen.classifier_weight = classifier_weight(c, train);
  });
  return model;
}

std::vector<std::string> further_columns(const Model& model, const Dataset& train) {
  const std::string measure = class_measure(model);
  return measure.empty() || !train.labels ? std::vector<std::string>{} : std::vector{"test_" + measure};
}

}  // namespace

RunState::RunState(const RunConfig& c, const Dataset& train, Group* group)
    : model(initial_model(c, train)),
      optimizer(parameters<float>(model), c.optimizer, c.lr),
      step(model, optimizer, objective_of(c), objective_options(c)),
      trainer(step, train, training_options(c, group)),
      metrics(model.latent().size(), c.validation > 0, further_columns(model, train)) {
  if (c.ema > 0) ema.emplace(model, c.ema);
  if (c.validation > 0) best.emplace();
}

Metrics RunState::run_step() {
  const Metrics so_far = trainer.run_step();
  if (ema) ema->update();
  return so_far;
}

void RunState::note_validation(double elbo) {
  if (std::isfinite(elbo) && (best->epoch == 0 || elbo > best->elbo)) best = Best{trainer.epochs(), elbo};
}

bool RunState::ended(const RunConfig& c) const {
  return trainer.epochs() >= c.epochs ||
         (c.early_stopping > 0 && trainer.epochs() - best->epoch >= c.early_stopping);
}

std::string RunState::place() const {
  return "after " + std::to_string(trainer.epochs()) + " epochs and " + std::to_string(trainer.steps()) +
         " of " + std::to_string(trainer.steps_per_epoch()) + " steps";
}

}  // namespace strata::tools
