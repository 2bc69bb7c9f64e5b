// Gradients of parameters that several processes share.
#pragma once

#include <vector>

#include "strata/nn/fields.hpp"
#include "strata/tensor/group.hpp"

namespace strata {

/// Sums gradients over a group's processes while `backward` goes on:
///
///     sum.begin(tape, group);
///     tape.backward(loss);       // of this process's rows, at their share's weight
///     sum.finish(group);         // gradients are those of the loss over all rows
template <class T> class GradientSum {
 public:
  /// The parameters must outlive it.
  explicit GradientSum(const std::vector<NamedParameter<T>>& parameters);

  /// From now on the sum of a large parameter begins as soon as its gradient is complete.
  void begin(Tape<T>& tape, Group& group);

  /// Sums the small ones, end to end, and waits for all.
  void finish(Group& group);

 private:
  static constexpr std::size_t large = 4096;  // elements: less is packed, for which one message's time counts

  std::vector<const Parameter<T>*> parameters_, waiting_;  // all, and those not yet met on the tape
  std::vector<T> packed_;
};

extern template class GradientSum<float>;
extern template class GradientSum<double>;

}  // namespace strata
