// An exponential moving average of a model's weights.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include "strata/nn/fields.hpp"

namespace strata {

/// A model with averaged weights, a ← d a + (1 − d) w after every step, for evaluation (Polyak and Juditsky
/// 1992, exponentially). d is `decay`, or less in the first 1 / (1 − decay) steps, in which `average` is the
/// plain mean of the weights so far, those before the first step left out. Buffers are averaged likewise:
/// running statistics follow the weights.
template <class Model, class T = float> struct Ema {
  Model average;
  std::uint64_t steps = 0;
  double decay;

  /// Follows `model`, which must outlive it. Throws unless 0 ≤ decay < 1.
  Ema(const Model& model, double decay_rate) : average(model), decay(decay_rate) {
    if (!(decay >= 0 && decay < 1))
      fail("Ema", "the decay is " + std::to_string(decay) + "; it must lie in [0, 1)");
    for_each_tensor(average, [&](const std::string&, auto& a) { pairs_.push_back({&a, nullptr}); });
    auto pair = pairs_.begin();
    for_each_tensor(model, [&](const std::string&, const auto& w) { (pair++)->second = &w; });
  }
  Ema(const Ema&) = delete;
  Ema& operator=(const Ema&) = delete;

  /// Takes in the model's present weights: to be called after every step.
  void update() {
    const auto count = static_cast<double>(++steps);
    const T d = static_cast<T>(std::min(decay, (count - 1) / count));
    for (const auto& [a, w] : pairs_) write(a->write(), d * a->value() + (T(1) - d) * w->value());
  }

  static void fields(auto& self, auto&& visit) {
    visit("average", self.average);
    visit("steps", self.steps);
  }

 private:
  std::vector<std::pair<Versioned<T>*, const Versioned<T>*>> pairs_;  // of the average's, the model's
};

template <template <class> class Model, class T> Ema(const Model<T>&, double) -> Ema<Model<T>, T>;

}  // namespace strata
