// The training loop.
#pragma once

#include <cmath>
#include <numeric>
#include <span>
#include <stdexcept>
#include <vector>

#include "autograd/arithmetic.hpp"
#include "nn/optimizer.hpp"
#include "nn/schedule.hpp"
#include "vae/batches.hpp"
#include "vae/metrics.hpp"
#include "vae/objective.hpp"
#include "vae/streams.hpp"

namespace strata {

struct TrainingOptions {
  std::size_t batch = 128;
  Binarize binarize = Binarize::dynamic;
  std::size_t classes = 0;  ///< labels condition the model as unit vectors of this width; 0: they do not
  Objective objective = {};
  std::size_t samples = 1;        ///< K, of each image in training
  std::size_t warmup_epochs = 0;  ///< the objective's beta grows linearly over so many epochs
  Schedule schedule = {};         ///< of the learning rate, which starts at the optimizer's
  double clip_norm = 0;           ///< the largest norm of all gradients together; 0: any
  std::uint64_t seed = 0;
};

/// Trains a model that has `Path<float> path(const Given<float>&, Rng&, Mode)`, one epoch a call. Everything
/// random follows from (seed, epochs run so far): evaluating in between changes nothing.
template <class Model> class Trainer {
 public:
  /// Model, data and optimizer must outlive the trainer. Throws unless 1 ≤ batch ≤ N and every image has a
  /// label.
  Trainer(Model& model, const ImageSet& data, Optimizer<float>& optimizer, const TrainingOptions& options)
      : model_(model),
        data_(data),
        optimizer_(optimizer),
        options_(options),
        first_rate_(optimizer.learning_rate),
        rng_{options.seed, 0, streams::training} {
    require_images("Trainer", data);
    if (options.batch == 0 || options.batch > data.images.shape(0))
      fail("Trainer", "the batch is " + std::to_string(options.batch) + "; there are " +
                          std::to_string(data.images.shape(0)) + " images");
  }
  Trainer(Model&, ImageSet&&, Optimizer<float>&, const TrainingOptions&) = delete;

  std::size_t steps_per_epoch() const { return data_.images.shape(0) / options_.batch; }

  /// Epochs run so far.
  std::size_t epochs() const { return epochs_; }

  /// The learning rate in the next epoch.
  double learning_rate() const { return first_rate_ * schedule_factor(options_.schedule, epochs_); }

  /// beta in the next epoch.
  double beta() const {
    const double full = options_.objective.beta;
    if (epochs_ + 1 >= options_.warmup_epochs) return full;
    return full * static_cast<double>(epochs_ + 1) / static_cast<double>(options_.warmup_epochs);
  }

  /// One pass over the images in a new order, without the last ones where they do not fill a batch. Calls
  /// on_step(steps done, Metrics so far in this epoch) after every step. Throws std::runtime_error if the
  /// ELBO is no longer finite.
  template <class F> Metrics run_epoch(F on_step) {
    permute(rng_, data_.images.shape(0), order_);
    Objective objective = options_.objective;
    objective.beta = beta();
    optimizer_.learning_rate = learning_rate();
    Metrics sum;
    for (std::size_t step = 0; step < steps_per_epoch(); ++step) {
      const auto rows = std::span<const std::size_t>(order_).subspan(step * options_.batch, options_.batch);
      tape_.reset();
      const auto given = gather(tape_, data_, rows, options_.samples, rng_);
      const auto parts = terms(model_.path(given, rng_, Mode::train));
      sum += mean_metrics(parts);
      if (!std::isfinite(sum.elbo()))  // before it can spoil the weights
        throw std::runtime_error("[Trainer] the ELBO is no longer finite in epoch " +
                                 std::to_string(epochs_ + 1) + ", step " + std::to_string(step + 1) +
                                 "; a lower learning rate or clipped gradients may help");
      tape_.backward(-strata::objective(parts, objective));
      if (options_.clip_norm > 0) clip_gradient_norm(optimizer_.parameters(), options_.clip_norm);
      optimizer_.step();
      on_step(step + 1, sum / static_cast<double>(step + 1));
    }
    ++epochs_;
    return sum / static_cast<double>(steps_per_epoch());
  }

  /// The model's ELBO on other images, with one draw each, in inference mode. Dynamic binarisation makes the
  /// same data of them each time. Throws for no images, for another number of labels, and if the ELBO is not
  /// finite.
  Metrics evaluate(const ImageSet& data) {
    require_images("evaluate", data);
    Rng binarisation{options_.seed, 0, streams::test_set};
    Rng noise{options_.seed, 0, streams::test_epoch + epochs_};
    const std::size_t count = data.images.shape(0);
    std::vector<std::size_t> rows(count);
    std::iota(rows.begin(), rows.end(), std::size_t{0});
    Metrics sum;
    for (std::size_t first = 0; first < count; first += evaluation_batch) {
      const auto some =
          std::span<const std::size_t>(rows).subspan(first, std::min(evaluation_batch, count - first));
      evaluation_tape_.reset();
      const auto given = gather(evaluation_tape_, data, some, 1, binarisation);
      const auto parts = terms(model_.path(given, noise, Mode::inference));
      sum += mean_metrics(parts) * static_cast<double>(some.size());
    }
    if (!std::isfinite(sum.elbo()))
      throw std::runtime_error("[Trainer] the test images' ELBO is not finite after " +
                               std::to_string(epochs_) +
                               " epochs; a lower learning rate or clipped gradients may help");
    return sum / static_cast<double>(count);
  }

 private:
  static constexpr std::size_t evaluation_batch = 1000;

  Given<float> gather(Tape<float>& tape, const ImageSet& data, std::span<const std::size_t> rows,
                      std::size_t samples, Rng& rng) {
    const std::size_t pixels = data.images.size() / data.images.shape(0);
    const auto images = [&](Tensor<float>& x) { gather_batch(data.images, rows, options_.binarize, rng, x); };
    Given<float> given{tape.constant(Shape{rows.size(), pixels}, images), {}, samples};
    if (options_.classes > 0)
      given.condition = tape.constant(Shape{rows.size(), options_.classes}, [&](Tensor<float>& c) {
        gather_one_hot(data.labels, rows, options_.classes, c);
      });
    return given;
  }

  Model& model_;
  const ImageSet& data_;
  Optimizer<float>& optimizer_;
  TrainingOptions options_;
  double first_rate_;
  Rng rng_;
  std::size_t epochs_ = 0;
  std::vector<std::size_t> order_;
  Tape<float> tape_;
  Tape<float> evaluation_tape_{Record::values};
};

}  // namespace strata
