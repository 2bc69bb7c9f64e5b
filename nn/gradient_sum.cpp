#include "strata/nn/gradient_sum.hpp"

#include <algorithm>
#include <string_view>

namespace strata {

template <class T> GradientSum<T>::GradientSum(const std::vector<NamedParameter<T>>& parameters) {
  for (const auto& [name, parameter] : parameters) parameters_.push_back(parameter);
}

// A gradient is complete where the first reference to its parameter is met: `backward` comes there last.
template <class T> void GradientSum<T>::begin(Tape<T>& tape, Group& group) {
  waiting_ = parameters_;
  for (std::size_t i = 0; i < tape.size() && !waiting_.empty(); ++i) {
    const Var<T> x = tape[i];
    if (!x.needs_grad() || tape.operation(i) != std::string_view("reference")) continue;
    const auto found = std::find_if(waiting_.begin(), waiting_.end(),
                                    [&](const Parameter<T>* p) { return &p->value() == &x.value(); });
    if (found == waiting_.end()) continue;
    waiting_.erase(found);
    if (x.value().size() >= large)
      tape.on_gradient(x, [&group](Tensor<T>& g) { group.begin_sum({g.data(), g.size()}); });
  }
}

template <class T> void GradientSum<T>::finish(Group& group) {
  const auto each_small = [&](auto f) {
    for (const Parameter<T>* p : parameters_)
      if (p->gradient.received && p->value().size() < large) f(p->gradient.value);
  };
  packed_.clear();
  each_small([&](const Tensor<T>& g) { packed_.insert(packed_.end(), g.begin(), g.end()); });
  group.begin_sum(packed_);
  group.finish();
  auto next = packed_.begin();
  each_small([&](Tensor<T>& g) {
    std::copy_n(next, g.size(), g.begin());
    next += static_cast<std::ptrdiff_t>(g.size());
  });
}

template class GradientSum<float>;
template class GradientSum<double>;

}  // namespace strata
