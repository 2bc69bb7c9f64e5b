// All of a run's state, and how it is made.
#pragma once

#include <optional>

#include "strata/nn/ema.hpp"
#include "strata/tools/data/image_data.hpp"
#include "strata/tools/run/events.hpp"
#include "strata/tools/run/metrics_csv.hpp"
#include "strata/tools/run/run_config.hpp"
#include "strata/vae/training.hpp"

namespace strata::tools {

/// The epoch with the highest validation bound so far.
struct Best {
  std::size_t epoch = 0;  // from 1; 0 before the first
  double elbo = 0;

  static void fields(auto& self, auto&& visit) {
    visit("epoch", self.epoch);
    visit("elbo", self.elbo);
  }
};

/// What a checkpoint holds.
struct RunState {
  Model model;
  Optimizer<float> optimizer;
  ObjectiveStep<Model> step;
  Trainer<ObjectiveStep<Model>> trainer;
  std::optional<Ema<Model>> ema;
  std::optional<Best> best;  // with a validation
  MetricsCsv metrics;
  Events events;
  double seconds = 0;  // of training in the epoch so far
  std::size_t threads = thread_count();

  /// Before the first step. Throws for images that the model's likelihood has no density for.
  RunState(const RunConfig& config, const Dataset& train, Group* group);

  /// The averaged weights, where there are any.
  const Model& evaluated() const { return ema ? ema->average : model; }

  /// The epoch's mean so far.
  Metrics run_step();

  /// Of all epochs so far.
  std::size_t steps() const { return trainer.epochs() * trainer.steps_per_epoch() + trainer.steps(); }

  void note_validation(double elbo);

  /// Whether this is the state after the best epoch.
  bool is_best() const { return best && trainer.steps() == 0 && best->epoch == trainer.epochs(); }

  /// After the last epoch, or when so many of them were no better.
  bool ended(const RunConfig& config) const;

  /// "after 3 epochs and 120 of 468 steps"
  std::string place() const;

  static void fields(auto& self, auto&& visit) {
    visit("trainer", self.trainer);
    visit("ema", self.ema);
    visit("best", self.best);
    visit("metrics", self.metrics);
    visit("events", self.events);
    visit("seconds", self.seconds);
    visit("threads", self.threads);
  }
};

}  // namespace strata::tools
