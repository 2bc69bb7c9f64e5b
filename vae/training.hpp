// The training loop: batches around a step.
#pragma once

#include <cmath>
#include <concepts>
#include <numeric>
#include <optional>
#include <vector>

#include "strata/autograd/arithmetic.hpp"
#include "strata/nn/optimizer.hpp"
#include "strata/nn/schedule.hpp"
#include "strata/nn/snapshot.hpp"
#include "strata/vae/batches.hpp"
#include "strata/vae/metrics.hpp"
#include "strata/vae/non_finite.hpp"
#include "strata/vae/objective.hpp"
#include "strata/vae/streams.hpp"

namespace strata {

/// Where in a run a step stands, and its source of randomness.
struct StepContext {
  std::size_t epoch, step;  ///< both from 0; the step within its epoch
  Rng& rng;
};

/// One update of a model on one batch, which lies on a tape of the trainer's: the usual one is
/// `ObjectiveStep`, an adversarial or alternating one is the model's own. To be saved and resumed it lists
/// its state as fields: models, optimizers, whatever it remembers from step to step; then a step whose
/// numbers are not finite is undone, too. Where it has its `pass()`, the terms are named.
template <class S>
concept TrainingStep = requires(S& step, const Given<float>& given, const StepContext& context) {
  { step(given, context) } -> std::same_as<Metrics>;
};

/// Throws NonFinite if the ELBO is not finite, naming epoch and step.
void require_finite(const Metrics& metrics, const StepContext& context);

namespace detail {

template <class S>
concept WithFields = requires(S& step) {
  S::fields(step, [](auto&&...) {});
};

// What the trainer says of the step's error: where in the run, and the place where its numbers stop being
// finite or, where they are, a gradient becomes too large to square; and what may help.
std::string told(const NonFinite& error, Tape<float>& tape, const Names<float>& names,
                 const StepContext& context);
std::string advice(const StepContext& context);

}  // namespace detail

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
    pass_ = model_.pass(given, context.rng, training(context.rng));
    const Metrics metrics = mean_metrics(pass_);
    require_finite(metrics, context);
    const auto loss = -objective(with_beta_times(objective_, warmup(context.epoch)), pass_);
    if (!std::isfinite(loss.value()())) throw NonFinite("[ObjectiveStep] the objective is not finite");
    given.x.tape().backward(loss);
    if (options_.clip_norm > 0) clip_gradient_norm(optimizer_.parameters(), options_.clip_norm);
    optimizer_.learning_rate = learning_rate(context.epoch);
    optimizer_.step();
    return metrics;
  }

  /// The pass of the last call.
  const Pass<float>& pass() const { return pass_; }

  static void fields(auto& self, auto&& visit) {
    visit("model", self.model_);
    visit("optimizer", self.optimizer_);
    visit("first_rate", self.first_rate_);
  }

 private:
  Model& model_;
  Optimizer<float>& optimizer_;
  O objective_;
  ObjectiveOptions options_;
  double first_rate_;
  Pass<float> pass_ = {};
};

struct TrainingOptions {
  std::size_t batch = 128;
  Binarize binarize = Binarize::dynamic;
  std::uint64_t seed = 0;
};

/// Trains by a step, a step or an epoch a call. Everything random follows from (seed, steps run so far):
/// evaluating in between changes nothing. Its fields are all of a training's state, in the middle of an epoch
/// too: after `restore(trainer, file)` it goes on as the one that wrote `store(trainer, file)` would have,
/// bit for bit with the same number of threads. Where a step throws, what is known of its models and the
/// random state become what they were before it; a NonFinite then says where its numbers come from.
template <TrainingStep Step> class Trainer {
 public:
  /// Step and data must outlive the trainer. Throws unless 1 ≤ batch ≤ N, for labels beyond the classes, and
  /// for data outside [0, 1], to be binarised, or outside the support of the step's model, where it tells
  /// one.
  Trainer(Step& step, const Dataset& data, const TrainingOptions& options)
      : step_(step), data_(data), options_(options), rng_{options.seed, 0, streams::training} {
    require_examples("Trainer", data);
    if (options.batch == 0 || options.batch > data.size())
      fail("Trainer", "the batch is " + std::to_string(options.batch) + "; there are " +
                          std::to_string(data.size()) + " examples");
    require_support("Trainer", data, options.binarize, support_of(step));
    if constexpr (detail::WithFields<Step>) before_ = Snapshot<float>(step);
  }
  Trainer(Step&, Dataset&&, const TrainingOptions&) = delete;

  std::size_t steps_per_epoch() const { return data_.size() / options_.batch; }

  /// Epochs run so far, and steps of the next.
  std::size_t epochs() const { return epochs_; }
  std::size_t steps() const { return steps_; }

  /// One step: on the next examples in the epoch's order, which its first step draws, without the last
  /// examples where they do not fill a batch. Returns the epoch's mean metrics so far.
  Metrics run_step() {
    if (steps_ >= steps_per_epoch())
      fail("Trainer", "it stands after step " + std::to_string(steps_) + " of an epoch of " +
                          std::to_string(steps_per_epoch()) + "; was it restored for other data?");
    const Rng before = rng_;
    if (steps_ == 0) {
      epoch_start_ = rng_;
      sum_ = {};
      permute(rng_, data_.size(), order_);
      ordered_at_ = epoch_start_;
    } else if (ordered_at_ != epoch_start_) {  // restored within the epoch
      Rng rng = epoch_start_;
      permute(rng, data_.size(), order_);
      ordered_at_ = epoch_start_;
    }
    sum_ += take_step({epochs_, steps_, rng_}, before);
    const Metrics mean = sum_ / static_cast<double>(++steps_);
    if (steps_ == steps_per_epoch()) ++epochs_, steps_ = 0;
    return mean;
  }

  /// The steps to the end of the epoch. Calls on_step(steps done, Metrics so far in this epoch) after each.
  template <class F> Metrics run_epoch(F on_step) {
    for (;;) {
      const std::size_t done = steps_ + 1;
      const Metrics so_far = run_step();
      on_step(done, so_far);
      if (steps_ == 0) return so_far;
    }
  }
  Metrics run_epoch() {
    return run_epoch([](std::size_t, const Metrics&) {});
  }

  /// The model's mean terms on other data after the epochs so far; see `evaluate` below.
  template <LatentModel Model> Metrics evaluate(const Model& model, const Dataset& data) const;

  static void fields(auto& self, auto&& visit) {
    visit("step", self.step_);
    visit("epochs", self.epochs_);
    visit("steps", self.steps_);
    visit("rng", self.rng_);
    visit("epoch_start", self.epoch_start_);
    visit("sum", self.sum_);
  }

 private:
  Metrics take_step(const StepContext& context, const Rng& before) {
    before_.save();
    try {
      gather(data_, std::span(order_).subspan(context.step * options_.batch, options_.batch),
             options_.binarize, rng_, batch_);
      tape_.reset();
      return step_(batch_.on(tape_), context);
    } catch (const NonFinite& error) {
      const std::string fact = detail::told(error, tape_, names(), context);
      throw NonFinite(fact + ". " + undo(before) + "; " + detail::advice(context));
    } catch (...) {
      undo(before);
      throw;
    }
  }

  // Returns what is told of it.
  std::string undo(const Rng& before) {
    rng_ = before;
    if constexpr (detail::WithFields<Step>) {
      before_.restore();
      discard_gradients(step_);
      const std::string changed = before_.changed();
      return changed.empty() ? "The step was undone"
                             : "`" + changed + "` was updated in this step before, and stays so";
    }
    return "The step lists no fields, and what it changed itself stays so";
  }

  // Of what the step's tape holds.
  Names<float> names() const {
    Pass<float> pass{};
    if constexpr (requires { step_.pass(); }) pass = step_.pass();
    if constexpr (detail::WithFields<Step>)
      return names_of(batch_, pass, step_);
    else
      return names_of(batch_, pass);
  }

  Step& step_;
  const Dataset& data_;
  TrainingOptions options_;
  Snapshot<float> before_;        // of the step's models, before each step
  Rng rng_, epoch_start_ = rng_;  // now, and before the epoch's order was drawn
  std::size_t epochs_ = 0, steps_ = 0;
  Metrics sum_;  // of the epoch's steps
  std::vector<std::size_t> order_;
  std::optional<Rng> ordered_at_;  // where `order_` was drawn
  Batch<float> batch_;
  Tape<float> tape_;
};

/// The model's mean terms on data, with one draw each, in inference mode. Dynamic binarisation makes the same
/// data of them each time (by the seed's stream `test_set`); the draws are `noise`'s. Throws for no examples
/// or data outside their support, and NonFinite if the ELBO is not finite.
template <LatentModel Model>
Metrics evaluate(const Model& model, const Dataset& data, Binarize binarize, std::uint64_t seed, Rng noise) {
  constexpr std::size_t together = 1000;
  require_examples("evaluate", data);
  require_support("evaluate", data, binarize, support_of(model));
  Rng binarisation{seed, 0, streams::test_set};
  std::vector<std::size_t> rows(data.size());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  Batch<float> batch;
  Tape<float> tape(Record::values);
  Metrics sum;
  for (std::size_t first = 0; first < rows.size(); first += together) {
    const auto some = std::span(rows).subspan(first, std::min(together, rows.size() - first));
    gather(data, some, binarize, binarisation, batch);
    tape.reset();
    const auto pass = model.pass(batch.on(tape), noise, Context{});
    const Metrics metrics = mean_metrics(pass);
    if (!std::isfinite(metrics.elbo()))
      fail_non_finite("[evaluate] the ELBO is not finite", tape, names_of(batch, pass, model));
    sum += metrics * static_cast<double>(some.size());
  }
  return sum / static_cast<double>(rows.size());
}

template <TrainingStep Step> template <LatentModel Model>
Metrics Trainer<Step>::evaluate(const Model& model, const Dataset& data) const {
  return strata::evaluate(model, data, options_.binarize, options_.seed,
                          Rng{options_.seed, 0, streams::test_epoch + epochs_});
}

}  // namespace strata
