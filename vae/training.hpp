// The training loop.
#pragma once

#include <chrono>
#include <cmath>
#include <numeric>
#include <span>
#include <stdexcept>
#include <vector>

#include "autograd/reduce.hpp"
#include "nn/optimizer.hpp"
#include "nn/schedule.hpp"
#include "vae/batches.hpp"
#include "vae/elbo.hpp"

namespace strata {

struct TrainingOptions {
  std::size_t batch = 128;
  Binarize binarize = Binarize::dynamic;
  double beta = 1;                ///< the weight of the KL in training
  std::size_t warmup_epochs = 0;  ///< beta grows linearly over so many epochs
  double learning_rate = 1e-3;    ///< at the schedule's start
  Schedule schedule = {};
  double clip_norm = 0;  ///< the largest norm of all gradients together; 0: any
  std::uint64_t seed = 0;
};

/// Means over images, in nats per image.
struct Metrics {
  double reconstruction = 0;
  double kl = 0;
  double elbo() const { return reconstruction - kl; }  ///< with beta = 1, whatever the training's
};

/// Trains a model with `Elbo<float> elbo(Var<float> x, Rng&, Mode)` by its ELBO, one epoch a call. Everything
/// random follows from (seed, epochs run so far): evaluating in between changes nothing.
template <class Model> class Trainer {
 public:
  /// `images` (N, ...) and the model must outlive the trainer. Throws unless 1 ≤ batch ≤ N.
  Trainer(Model& model, const Tensor<std::uint8_t>& images, Optimizer<float>& optimizer,
          const TrainingOptions& options)
      : model_(model), images_(images), optimizer_(optimizer), options_(options), rng_{options.seed, 0, 1} {
    if (options.batch == 0 || options.batch > images.shape(0))
      fail("Trainer", "the batch is " + std::to_string(options.batch) + "; there are " +
                          std::to_string(images.shape(0)) + " images");
  }

  std::size_t steps_per_epoch() const { return images_.shape(0) / options_.batch; }
  std::size_t epochs() const { return epochs_; }
  double learning_rate() const {
    return options_.learning_rate * schedule_factor(options_.schedule, epochs_);
  }

  /// beta in the next epoch.
  double beta() const {
    if (epochs_ + 1 >= options_.warmup_epochs) return options_.beta;
    return options_.beta * static_cast<double>(epochs_ + 1) / static_cast<double>(options_.warmup_epochs);
  }

  /// One pass over the images in a new order, without the last ones where they do not fill a batch. Calls
  /// on_step(steps done, Metrics so far in this epoch) after every step. Throws std::runtime_error if the
  /// ELBO is no longer finite.
  template <class F> Metrics run_epoch(F on_step) {
    const auto order = permutation(rng_, images_.shape(0));
    const auto weight = static_cast<float>(beta());
    optimizer_.learning_rate = learning_rate();
    Metrics sum, so_far;
    for (std::size_t step = 0; step < steps_per_epoch(); ++step) {
      const std::span<const std::size_t> rows(order.data() + step * options_.batch, options_.batch);
      const Metrics metrics = run_step(rows, weight);
      if (!std::isfinite(metrics.elbo()))
        throw std::runtime_error("[Trainer] the ELBO is no longer finite in epoch " +
                                 std::to_string(epochs_ + 1) + ", step " + std::to_string(step + 1) +
                                 "; a lower learning rate or clipped gradients may help");
      sum.reconstruction += metrics.reconstruction;
      sum.kl += metrics.kl;
      const auto steps = static_cast<double>(step + 1);
      so_far = {sum.reconstruction / steps, sum.kl / steps};
      on_step(step + 1, so_far);
    }
    ++epochs_;
    return so_far;
  }

  /// The model's ELBO on other images, with one sample each, in inference mode.
  Metrics evaluate(const Tensor<std::uint8_t>& images) {
    Rng rng{options_.seed, 0, 2 + epochs_};
    const std::size_t count = images.shape(0);
    std::vector<std::size_t> rows(count);
    std::iota(rows.begin(), rows.end(), std::size_t{0});
    Metrics sum;
    for (std::size_t first = 0; first < count; first += evaluation_batch) {
      gather_batch(images, std::span(rows).subspan(first, std::min(evaluation_batch, count - first)),
                   options_.binarize, rng, batch_);
      evaluation_tape_.reset();
      const auto elbo = model_.elbo(evaluation_tape_.constant(batch_), rng, Mode::inference);
      sum.reconstruction += total(elbo.reconstruction);
      sum.kl += total(elbo.kl);
    }
    return {sum.reconstruction / static_cast<double>(count), sum.kl / static_cast<double>(count)};
  }

 private:
  static constexpr std::size_t evaluation_batch = 1000;

  static double total(Var<float> rows) {
    return std::accumulate(rows.value().begin(), rows.value().end(), 0.0);
  }

  Metrics run_step(std::span<const std::size_t> rows, float weight) {
    gather_batch(images_, rows, options_.binarize, rng_, batch_);
    tape_.reset();
    const auto elbo = model_.elbo(tape_.constant(batch_), rng_, Mode::train);
    tape_.backward(-mean(elbo.total(weight)));
    if (options_.clip_norm > 0) clip_gradient_norm(optimizer_.parameters(), options_.clip_norm);
    optimizer_.step();
    const auto count = static_cast<double>(rows.size());
    return {total(elbo.reconstruction) / count, total(elbo.kl) / count};
  }

  Model& model_;
  const Tensor<std::uint8_t>& images_;
  Optimizer<float>& optimizer_;
  TrainingOptions options_;
  Rng rng_;
  std::size_t epochs_ = 0;
  Tensor<float> batch_;
  Tape<float> tape_;
  Tape<float> evaluation_tape_{Record::values};
};

}  // namespace strata
