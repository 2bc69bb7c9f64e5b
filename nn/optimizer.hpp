// Gradient descent: one optimizer, any rule.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "strata/nn/fields.hpp"
#include "strata/nn/rules.hpp"
#include "strata/nn/update.hpp"

namespace strata {

/// Applies a rule to all parameters of a model, in one fused and threaded pass:
///
///     Optimizer<float> optimizer(parameters(model), Adam{}, 1e-3);
///     ...
///     tape.backward(loss);
///     optimizer.step();
template <class T> class Optimizer {
 public:
  double learning_rate;

  /// The parameters must outlive the optimizer. `rule` is one of nn/rules.hpp, a `Rule`, or a struct of one's
  /// own in their form. Throws if there are no parameters, or one twice.
  template <class R> Optimizer(std::vector<NamedParameter<T>> parameters, const R& rule, double rate)
      : learning_rate(rate), parameters_(std::move(parameters)), update_(detail::element_update<T>(rule)) {
    make_states();
  }

  /// Updates every parameter with its gradient, which is thereby spent: the next `backward` starts anew.
  /// Several calls of `backward` before it add up. Frozen parameters are passed over. Throws, changing
  /// nothing, for a learning rate that is negative or not finite, and if no gradient reached some other
  /// parameter; NonFinite if one did whose square is not finite, and names it.
  void step();

  /// How many steps were taken.
  std::uint64_t steps() const { return steps_; }

  const std::vector<NamedParameter<T>>& parameters() const { return parameters_; }

  /// What it remembers from step to step: of each parameter under the parameter's name.
  static void fields(auto& self, auto&& visit) {
    visit("learning_rate", self.learning_rate);
    visit("steps", self.steps_);
    for (std::size_t p = 0; p < self.states_.size(); ++p)
      visit("moments." + self.parameters_[p].name, self.states_[p]);
  }

 private:
  void make_states();

  std::vector<NamedParameter<T>> parameters_;
  detail::ElementUpdate<T> update_;
  std::uint64_t steps_ = 0;
  std::vector<T*> weights_;                     // of each parameter, within a step
  std::vector<std::vector<Tensor<T>>> states_;  // of each parameter: what the rule remembers
};

/// Scales all gradients down so that their joint Euclidean norm is at most `max_norm` (Pascanu et al. 2013),
/// and returns the norm before. Parameters without a gradient count as 0. PyTorch's factor is max_norm /
/// (norm + 1e-6), this one max_norm / norm; Keras calls it global_clipnorm, its clipnorm is of each tensor.
/// Throws, changing nothing, unless max_norm > 0, and NonFinite unless every gradient's square is finite.
template <class T>
double clip_gradient_norm(const std::vector<NamedParameter<T>>& parameters, double max_norm);

extern template class Optimizer<float>;
extern template class Optimizer<double>;

}  // namespace strata
