// The training loop: batches around a step.
#pragma once

#include <cmath>
#include <concepts>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "strata/autograd/arithmetic.hpp"
#include "strata/nn/optimizer.hpp"
#include "strata/nn/schedule.hpp"
#include "strata/vae/batches.hpp"
#include "strata/vae/metrics.hpp"
#include "strata/vae/objective.hpp"
#include "strata/vae/streams.hpp"

namespace strata {

/// Where in a run a step stands, and its source of randomness.
struct StepContext {
  std::size_t epoch, step;  ///< both from 0; the step within its epoch
  Rng& rng;
};

/// One update of a model on one batch, which lies on a tape of the trainer's: the usual one is
/// `ObjectiveStep`, an adversarial or alternating one is the model's own.
template <class S>
concept TrainingStep = requires(S& step, const Given<float>& given, const StepContext& context) {
  { step(given, context) } -> std::same_as<Metrics>;
};

/// Throws std::runtime_error if the ELBO is not finite, naming epoch and step.
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
  /// Model and optimizer must outlive the step.
  ObjectiveStep(Model& model, Optimizer<float>& optimizer, const O& objective, ObjectiveOptions options = {})
      : model_(model),
        optimizer_(optimizer),
        objective_(objective),
        options_(std::move(options)),
        first_rate_(optimizer.learning_rate) {}

  /// The learning rate in an epoch, counted from 0.
  double learning_rate(std::size_t epoch) const { return first_rate_ * options_.schedule(epoch); }

  /// The factor on beta in an epoch.
  double warmup(std::size_t epoch) const {
    if (epoch + 1 >= options_.warmup_epochs) return 1;
    return static_cast<double>(epoch + 1) / static_cast<double>(options_.warmup_epochs);
  }

  /// Throws std::runtime_error, before it can spoil the weights, if the ELBO is no longer finite.
  Metrics operator()(Given<float> given, const StepContext& context) {
    given.samples = options_.samples;
    given.paths = paths_of(objective_);
    const auto pass = model_.pass(given, context.rng, training(context.rng));
    const Metrics metrics = mean_metrics(pass);
    require_finite(metrics, context);
    given.x.tape().backward(-objective(with_beta_times(objective_, warmup(context.epoch)), pass));
    if (options_.clip_norm > 0) clip_gradient_norm(optimizer_.parameters(), options_.clip_norm);
    optimizer_.learning_rate = learning_rate(context.epoch);
    optimizer_.step();
    return metrics;
  }

 private:
  Model& model_;
  Optimizer<float>& optimizer_;
  O objective_;
  ObjectiveOptions options_;
  double first_rate_;
};

struct TrainingOptions {
  std::size_t batch = 128;
  Binarize binarize = Binarize::dynamic;
  std::uint64_t seed = 0;
};

/// Trains by a step, one epoch a call. Everything random follows from (seed, epochs run so far): evaluating
/// in between changes nothing.
template <TrainingStep Step> class Trainer {
 public:
  /// Step and data must outlive the trainer. Throws unless 1 ≤ batch ≤ N.
  Trainer(Step& step, const Dataset& data, const TrainingOptions& options)
      : step_(step), data_(data), options_(options), rng_{options.seed, 0, streams::training} {
    require_examples("Trainer", data);
    if (options.batch == 0 || options.batch > data.size())
      fail("Trainer", "the batch is " + std::to_string(options.batch) + "; there are " +
                          std::to_string(data.size()) + " examples");
  }
  Trainer(Step&, Dataset&&, const TrainingOptions&) = delete;

  std::size_t steps_per_epoch() const { return data_.size() / options_.batch; }

  /// Epochs run so far.
  std::size_t epochs() const { return epochs_; }

  /// One pass over the data in a new order, without the last examples where they do not fill a batch. Calls
  /// on_step(steps done, Metrics so far in this epoch) after every step.
  template <class F> Metrics run_epoch(F on_step) {
    permute(rng_, data_.size(), order_);
    Metrics sum;
    for (std::size_t step = 0; step < steps_per_epoch(); ++step) {
      gather(data_, std::span(order_).subspan(step * options_.batch, options_.batch), options_.binarize, rng_,
             batch_);
      tape_.reset();
      sum += step_(batch_.on(tape_), StepContext{epochs_, step, rng_});
      on_step(step + 1, sum / static_cast<double>(step + 1));
    }
    ++epochs_;
    return sum / static_cast<double>(steps_per_epoch());
  }
  Metrics run_epoch() {
    return run_epoch([](std::size_t, const Metrics&) {});
  }

  /// The model's mean terms on other data after the epochs so far; see `evaluate` below.
  template <LatentModel Model> Metrics evaluate(const Model& model, const Dataset& data) const;

 private:
  Step& step_;
  const Dataset& data_;
  TrainingOptions options_;
  Rng rng_;
  std::size_t epochs_ = 0;
  std::vector<std::size_t> order_;
  Batch<float> batch_;
  Tape<float> tape_;
};

/// The model's mean terms on data, with one draw each, in inference mode. Dynamic binarisation makes the same
/// data of them each time (by the seed's stream `test_set`); the draws are `noise`'s. Throws for no examples,
/// and std::runtime_error if the ELBO is not finite.
template <LatentModel Model>
Metrics evaluate(const Model& model, const Dataset& data, Binarize binarize, std::uint64_t seed, Rng noise) {
  constexpr std::size_t together = 1000;
  require_examples("evaluate", data);
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
    sum += mean_metrics(pass) * static_cast<double>(some.size());
  }
  if (!std::isfinite(sum.elbo()))
    throw std::runtime_error(
        "[evaluate] the ELBO of the data is not finite; a lower learning rate or clipped gradients may help");
  return sum / static_cast<double>(rows.size());
}

template <TrainingStep Step> template <LatentModel Model>
Metrics Trainer<Step>::evaluate(const Model& model, const Dataset& data) const {
  return strata::evaluate(model, data, options_.binarize, options_.seed,
                          Rng{options_.seed, 0, streams::test_epoch + epochs_});
}

}  // namespace strata
