#include "strata/nn/mlp.hpp"

#include "strata/autograd/arithmetic.hpp"
#include "strata/autograd/elementwise.hpp"
#include "strata/autograd/shape.hpp"
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

// A layer of x, or of x beside c.
template <class T, class... Inputs> static Var<T> apply(const typename Mlp<T>::Layer& layer,
                                                        const MlpOptions& options, Context context,
                                                        Inputs... x) {
  auto h = layer.linear(x...);
  if (layer.norm) h = (*layer.norm)(h, context);
  h = layer.gate ? h * sigmoid((*layer.gate)(x...)) : activate(options.activation, h);
  return dropout(h, options.dropout, context);
}

template <class T> Var<T> Mlp<T>::operator()(Var<T> x, Context context) const {
  for (const Layer& layer : layers) x = apply<T>(layer, options, context, x);
  return x;
}

template <class T> Var<T> Mlp<T>::operator()(Var<T> x, Var<T> c, Context context) const {
  if (layers.empty()) return concatenate({repeat_rows(x, rows_for_each(x, c)), c}, 1);
  auto h = apply<T>(layers.front(), options, context, x, c);
  for (std::size_t i = 1; i < layers.size(); ++i) h = apply<T>(layers[i], options, context, h);
  return h;
}

template struct Mlp<float>;
template struct Mlp<double>;

}  // namespace strata
