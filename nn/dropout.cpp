#include "strata/nn/dropout.hpp"

#include "strata/autograd/arithmetic.hpp"

namespace strata {

template <class T> Var<T> dropout(Var<T> x, double rate, Context context) {
  if (!(rate >= 0 && rate < 1))
    fail("dropout", "the rate is " + std::to_string(rate) + "; it must lie in [0, 1)");
  if (context.mode == Mode::inference || rate == 0) return x;
  if (context.rng == nullptr) fail("dropout", "training draws random numbers: give the Context an Rng");
  const Var<T> mask = x.tape().constant(x.shape(), [&](Tensor<T>& keep) {
    keep.fill(static_cast<T>(1 - rate));
    fill_bernoulli(*context.rng, keep, keep);
  });
  return x * mask * static_cast<T>(1 / (1 - rate));
}

template Var<float> dropout(Var<float>, double, Context);
template Var<double> dropout(Var<double>, double, Context);

}  // namespace strata
