#include "nn/dropout.hpp"

#include "autograd/arithmetic.hpp"

namespace strata {

template <class T> Var<T> dropout(Var<T> x, double rate, Rng& rng, Mode mode) {
  if (!(rate >= 0 && rate < 1))
    fail("dropout", "the rate is " + std::to_string(rate) + "; it must lie in [0, 1)");
  if (mode == Mode::inference || rate == 0) return x;
  const Var<T> mask = x.tape().constant(x.shape(), [&](Tensor<T>& keep) {
    keep.fill(static_cast<T>(1 - rate));
    fill_bernoulli(rng, keep, keep);
  });
  return x * mask * static_cast<T>(1 / (1 - rate));
}

template Var<float> dropout(Var<float>, double, Rng&, Mode);
template Var<double> dropout(Var<double>, double, Rng&, Mode);

}  // namespace strata
