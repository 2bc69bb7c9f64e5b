// The training loop: batches around a step.
#pragma once

#include <numeric>
#include <optional>
#include <vector>

#include "strata/nn/snapshot.hpp"
#include "strata/vae/step.hpp"
#include "strata/vae/streams.hpp"

namespace strata {

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

struct TrainingOptions {
  std::size_t batch = 128;
  Binarize binarize = Binarize::dynamic;
  std::uint64_t seed = 0;
  Group* group = nullptr;  ///< whose processes train the same model, each on its share of every batch's rows
};

/// Trains by a step, a step or an epoch a call. Everything random follows from (seed, steps run so far):
/// evaluating in between changes nothing. Its fields are all of a training's state, in the middle of an epoch
/// too: after `restore(trainer, file)` it goes on as the one that wrote `store(trainer, file)` would have,
/// bit for bit with the same number of threads. Where a step throws, what is known of its models and the
/// random state become what they were before it; a NonFinite then says where its numbers come from. A group
/// trains as one process does, up to the order of sums: its state is that of every process.
template <TrainingStep Step> class Trainer {
 public:
  /// Step and data must outlive the trainer. Throws unless 1 ≤ batch ≤ N, for labels beyond the classes, and
  /// for data outside [0, 1], to be binarised, or outside the support of the step's model, where it tells
  /// one.
  Trainer(Step& step, const Dataset& data, const TrainingOptions& options)
      : step_(step),
        data_(data),
        options_(options),
        share_(share_of(options.group, options.batch)),
        rng_{options.seed, 0, streams::training, share_.rows} {
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
    sum_ += take_step({epochs_, steps_, rng_, options_.group, share_.weight}, before);
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
      const std::size_t first = context.step * options_.batch + share_.rows.first;
      gather(data_, std::span(order_).subspan(first, share_.rows.count), options_.binarize, rng_, batch_);
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
  Share share_;                   // of every batch
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
/// or data outside their support, and NonFinite if the ELBO is not finite. A group's processes share the
/// rows.
template <LatentModel Model> Metrics evaluate(const Model& model, const Dataset& data, Binarize binarize,
                                              std::uint64_t seed, Rng noise, Group* group = nullptr) {
  constexpr std::size_t together = 1000;
  require_examples("evaluate", data);
  require_support("evaluate", data, binarize, support_of(model));
  Rng binarisation{seed, 0, streams::test_set};
  std::vector<std::size_t> rows(data.size());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  Batch<float> batch;
  Tape<float> tape(Record::values);
  Metrics sum;
  alike<NonFinite>(group, [&] {
    for (std::size_t first = 0; first < rows.size(); first += together) {
      const std::size_t count = std::min(together, rows.size() - first);
      const Share share = share_of(group, count);
      binarisation.rows = noise.rows = share.rows;
      gather(data, std::span(rows).subspan(first + share.rows.first, share.rows.count), binarize,
             binarisation, batch);
      tape.reset();
      const auto pass = model.pass(batch.on(tape), noise, Context{});
      const Metrics metrics = mean_metrics(pass);
      if (!std::isfinite(metrics.elbo()))
        fail_non_finite("[evaluate] the ELBO is not finite", tape, names_of(batch, pass, model));
      sum += metrics * (share.weight * static_cast<double>(count));
    }
  });
  return summed(group, sum) / static_cast<double>(rows.size());
}

template <TrainingStep Step> template <LatentModel Model>
Metrics Trainer<Step>::evaluate(const Model& model, const Dataset& data) const {
  return strata::evaluate(model, data, options_.binarize, options_.seed,
                          Rng{options_.seed, 0, streams::test_epoch + epochs_}, options_.group);
}

}  // namespace strata
