#include "strata/nn/mlp.hpp"

#include "strata/autograd/arithmetic.hpp"
#include "strata/autograd/elementwise.hpp"
#include "strata/nn/dropout.hpp"

namespace strata {

template <class T>
Mlp<T>::Mlp(std::size_t in, const std::vector<std::size_t>& widths, const MlpOptions& given, Rng& rng)
    : options(given) {
  options.init = given.init.value_or(suitable_init(given.activation));
  for (const std::size_t out : widths) {
    Layer& layer = layers.emplace_back(Layer{Linear<T>(in, out, *options.init, rng), {}, {}});
    if (options.batch_norm) layer.norm.emplace(out);
    if (options.activation == Activation::gated) layer.gate.emplace(in, out, *options.init, rng);
    in = out;
  }
}

template <class T> Var<T> Mlp<T>::operator()(Var<T> x, Context context) const {
  for (const Layer& layer : layers) {
    auto h = layer.linear(x);
    if (layer.norm) h = (*layer.norm)(h, context);
    h = layer.gate ? h * sigmoid((*layer.gate)(x)) : activate(options.activation, h);
    x = dropout(h, options.dropout, context);
  }
  return x;
}

template struct Mlp<float>;
template struct Mlp<double>;

}  // namespace strata
