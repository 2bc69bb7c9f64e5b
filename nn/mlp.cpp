#include "strata/nn/mlp.hpp"

#include "strata/nn/dropout.hpp"

namespace strata {

template <class T>
Mlp<T>::Mlp(std::size_t in, const std::vector<std::size_t>& widths, const MlpOptions& given, Rng& rng)
    : options(given) {
  options.init = given.init.value_or(suitable_init(given.activation));
  for (const std::size_t out : widths) {
    layers.push_back({Linear<T>(in, out, *options.init, rng), {}});
    if (options.batch_norm) layers.back().norm.emplace(out);
    in = out;
  }
}

template <class T> Var<T> Mlp<T>::operator()(Var<T> x, Context context) const {
  for (const Layer& layer : layers) {
    x = layer.linear(x);
    if (layer.norm) x = (*layer.norm)(x, context);
    x = dropout(activate(options.activation, x), options.dropout, context);
  }
  return x;
}

template struct Mlp<float>;
template struct Mlp<double>;

}  // namespace strata
