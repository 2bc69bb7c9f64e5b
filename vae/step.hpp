// One update of a model on one batch.
#pragma once

#include <cmath>
#include <concepts>
#include <optional>

#include "strata/autograd/arithmetic.hpp"
#include "strata/nn/gradient_sum.hpp"
#include "strata/nn/optimizer.hpp"
#include "strata/nn/schedule.hpp"
#include "strata/vae/batches.hpp"
#include "strata/vae/metrics.hpp"
#include "strata/vae/non_finite.hpp"
#include "strata/vae/objective.hpp"

namespace strata {

/// Where in a run a step stands, its source of randomness, and who has the batch's other rows.
struct StepContext {
  std::size_t epoch, step;  ///< both from 0; the step within its epoch
  Rng& rng;
  Group* group = nullptr;  ///< each of whose processes takes the step on rows of its own, to the same update
  double weight = 1;       ///< of the rows given here in a mean over all
};

/// One update of a model on one batch, which lies on a tape of the trainer's: the usual one is
/// `ObjectiveStep`, an adversarial or alternating one is the model's own. To be saved and resumed it lists
/// its state as fields: models, optimizers, whatever it remembers from step to step; then a step whose
/// numbers are not finite is undone, too. Where it has its `pass()`, the terms are named. In a group it
/// throws NonFinite in every process or in none.
template <class S>
concept TrainingStep = requires(S& step, const Given<float>& given, const StepContext& context) {
  { step(given, context) } -> std::same_as<Metrics>;
};

/// Throws NonFinite if the ELBO is not finite, naming epoch and step.
void require_finite(const Metrics& metrics, const StepContext& context);

struct ObjectiveOptions {
  std::size_t samples = 1;                 ///< K, of each image
  std::size_t warmup_epochs = 0;           ///< the objective's beta grows linearly over so many epochs
  Schedule schedule = ConstantSchedule{};  ///< of the learning rate, which starts at the optimizer's
  double clip_norm = 0;                    ///< the largest norm of all gradients together; 0: any
};

/// The usual step: one step of an optimizer up an objective's gradient. `O` is an objective of
/// vae/objective.hpp or one's own.
template <LatentModel Model, class O = Objective> class ObjectiveStep {
 public:
  /// Model and optimizer must outlive the step. Throws for a negative clip_norm.
  ObjectiveStep(Model& model, Optimizer<float>& optimizer, const O& objective, ObjectiveOptions options = {})
      : model_(model),
        optimizer_(optimizer),
        objective_(objective),
        options_(std::move(options)),
        gradients_(optimizer.parameters()),
        first_rate_(optimizer.learning_rate) {
    if (!(options_.clip_norm >= 0))
      fail("ObjectiveStep",
           "clip_norm is " + std::to_string(options_.clip_norm) + "; it must be above 0, or 0 for none");
  }

  /// That of the model, where it says so.
  std::optional<Interval> support() const { return support_of(model_); }

  /// The learning rate in an epoch, counted from 0.
  double learning_rate(std::size_t epoch) const { return first_rate_ * options_.schedule(epoch); }

  /// The factor on beta in an epoch.
  double warmup(std::size_t epoch) const {
    if (epoch + 1 >= options_.warmup_epochs) return 1;
    return static_cast<double>(epoch + 1) / static_cast<double>(options_.warmup_epochs);
  }

  /// Throws NonFinite, before it can spoil the weights, if a term, the objective or a gradient is not finite.
  Metrics operator()(Given<float> given, const StepContext& context) {
    given.samples = options_.samples;
    given.paths = paths_of(objective_);
    pass_ = {};
    pass_ = model_.pass(given, context.rng, training(context.rng, context.group));
    pass_.group = context.group;
    metrics_ = summed(context.group, mean_metrics(pass_) * context.weight);
    require_finite(metrics_, context);
    const auto loss = -objective(with_beta_times(objective_, warmup(context.epoch)), pass_);
    float value = loss.value()();
    if (context.group) context.group->sum({&value, 1});
    if (!std::isfinite(value)) throw NonFinite("[ObjectiveStep] the objective is not finite");
    go_back(loss, context);
    if (options_.clip_norm > 0) clip_gradient_norm(optimizer_.parameters(), options_.clip_norm);
    optimizer_.learning_rate = learning_rate(context.epoch);
    optimizer_.step();
    return metrics_;
  }

  /// The pass of the last call, and its terms' means over the batch.
  const Pass<float>& pass() const { return pass_; }
  const Metrics& metrics() const { return metrics_; }

  static void fields(auto& self, auto&& visit) {
    visit("model", self.model_);
    visit("optimizer", self.optimizer_);
    visit("first_rate", self.first_rate_);
  }

 private:
  void go_back(Var<float> loss, const StepContext& context) {
    Tape<float>& tape = loss.tape();
    if (!context.group) return tape.backward(loss);
    gradients_.begin(tape, *context.group);
    tape.backward(loss, Tensor<float>(Shape{}, static_cast<float>(context.weight)));
    gradients_.finish(*context.group);
  }

  Model& model_;
  Optimizer<float>& optimizer_;
  O objective_;
  ObjectiveOptions options_;
  GradientSum<float> gradients_;
  double first_rate_;
  Pass<float> pass_ = {};
  Metrics metrics_;
};

}  // namespace strata
