// Gradient descent: one optimizer, many rules.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "nn/fields.hpp"
#include "nn/rules.hpp"

namespace strata {

/// Applies a rule to all parameters of a model, in one fused and threaded pass:
///
///     Optimizer<float> optimizer(parameters<float>(model), Adam{}, 1e-3);
///     ...
///     tape.backward(loss);
///     optimizer.step();
template <class T> class Optimizer {
 public:
  double learning_rate;

  /// The parameters must outlive the optimizer. Throws if there are none.
  Optimizer(std::vector<NamedParameter<T>> parameters, Rule rule, double learning_rate);

  /// Updates every parameter with its gradient, which is thereby spent: the next `backward` starts anew.
  /// Several calls of `backward` before it add up. Throws, changing nothing, if no gradient reached some
  /// parameter, and names it.
  void step();

  /// How many steps were taken.
  std::uint64_t steps() const { return steps_; }

  const std::vector<NamedParameter<T>>& parameters() const { return parameters_; }
  const Rule& rule() const { return rule_; }

 private:
  std::vector<NamedParameter<T>> parameters_;
  Rule rule_;
  std::uint64_t steps_ = 0;
  std::vector<std::vector<Tensor<T>>> states_;  // of each parameter: what the rule remembers
};

/// Scales all gradients down so that their joint Euclidean norm is at most `max_norm` (Pascanu et al. 2013),
/// and returns the norm before. Parameters without a gradient count as 0. Throws unless max_norm > 0.
template <class T>
double clip_gradient_norm(const std::vector<NamedParameter<T>>& parameters, double max_norm);

}  // namespace strata
