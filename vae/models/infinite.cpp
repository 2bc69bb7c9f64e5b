#include "strata/vae/models/infinite.hpp"

#include <algorithm>

#include "strata/autograd/arithmetic.hpp"
#include "strata/autograd/elementwise.hpp"
#include "strata/autograd/reduce.hpp"
#include "strata/autograd/shape.hpp"

namespace strata {
namespace {

// Of every row of shares (B, K) the component that it is drawn into: unit vectors (B, K).
template <class T> Tensor<T> drawn(const Tensor<T>& shares, const Tensor<T>& uniform) {
  Tensor<T> unit(shares.shape(), T(0));
  for (std::size_t i = 0; i < shares.shape(0); ++i) {
    std::size_t k = 0;
    for (T below = shares(i, 0); below < uniform(i) && k + 1 < shares.shape(1);) below += shares(i, ++k);
    unit(i, k) = 1;
  }
  return unit;
}

}  // namespace

template <class T> Infinite<T>::Infinite(const VaeConfig& config, Rng& rng)
    : counts{xt::zeros<T>({config.components})} {
  if (config.components == 0) fail("Infinite", "needs at least one component");
  if (config.latent.size() != 1 || config.condition > 0 || config.prior != PriorKind::standard)
    fail("Infinite", "its components have one stochastic layer, the prior N(0, I), and no condition");
  for (std::size_t k = 0; k < config.components; ++k) components.emplace_back(config, rng);
}

template <class T> Tensor<T> Infinite<T>::weights() const {
  const Tensor<T>& n = counts.value();
  return (n + concentration / static_cast<T>(n.size())) / (xt::sum(n)() + concentration);
}

template <class T>
Pass<T> Infinite<T>::pass(const Given<T>& given, const Noise<T>& noise, Context context) const {
  if (given.paths != Paths::joint) fail("Infinite", "its draws of z have no paths apart");
  std::vector<Pass<T>> passes;
  for (const Vae<T>& vae : components) passes.push_back(vae.pass(given, noise, context));
  const auto each = [&](auto part) {  // of every component, side by side: (B, K, ...)
    std::vector<Var<T>> parts;
    for (const Pass<T>& pass : passes) parts.push_back(unsqueeze(part(pass), 1));
    return concatenate(parts, 1);
  };
  const auto each_layer = [&](Var<T> Layer<T>::*term) {
    return each([=](const Pass<T>& pass) { return pass.layers[0].*term; });
  };
  const auto likelihood = each([](const Pass<T>& pass) { return pass.log_likelihood; });
  const auto log_q = each_layer(&Layer<T>::log_q), log_p = each_layer(&Layer<T>::log_p);  // (B, K)
  Tape<T>& tape = given.x.tape();
  const auto log_w = tape.constant(Tensor<T>(xt::log(weights())));
  const auto log_r = stop_gradient(log_softmax(likelihood + log_p - log_q + log_w)), r = exp(log_r);
  if (context.mode == Mode::train && tape.recording() != Record::inputs) {
    const T rows = static_cast<T>(r.shape()[0]), share = std::min(T(1), rows / memory);
    const Tensor<T> unit = drawn(r.value(), noise.uniform(tape, {r.shape()[0]}).value());
    counts.write() = (T(1) - share) * counts.value() + memory * share / rows * xt::sum(unit, {0});
  }
  const auto over_k = [&](Var<T> v) { return sum(r * v, {1}); };                   // (B, K): (B)
  const auto weighted = [&](Var<T> v) { return sum(unsqueeze(r, -1) * v, {1}); };  // (B, K, L): (B, L)
  const Layer<T> z{weighted(each_layer(&Layer<T>::z)),
                   weighted(each_layer(&Layer<T>::mean)),
                   over_k(log_q),
                   over_k(log_p),
                   {},
                   {}};
  return {given.samples, over_k(likelihood), {z, {r, r, over_k(log_r), over_k(log_w), {}, {}}}};
}

template <class T> Var<T> Infinite<T>::classify(Var<T> x, Context context) const {
  return pass({x}, Noise<T>::zero(), context).layers[1].z;
}

template <class T> Layers<Var<T>> Infinite<T>::draw(Tape<T>& tape, std::size_t t, std::size_t rows, Var<T>,
                                                    const Noise<T>& noise) const {
  if (t != 1 && t != 2) fail("draw", "there is no layer " + std::to_string(t) + "; they are 1 and 2");
  const Tensor<T> each = xt::ones<T>({rows, std::size_t{1}}) * weights();
  const auto k = tape.constant(drawn(each, noise.uniform(tape, {rows}).value()));
  if (t == 2) return {k};
  return {components[0].draw(tape, 1, rows, {}, noise)[0], k};
}

template <class T> Var<T> Infinite<T>::decode(const Layers<Var<T>>& z, Var<T>, const Noise<T>& noise) const {
  if (z.empty() || z.size() > 2)
    fail("decode", "needs k, or z and k, and has " + std::to_string(z.size()) + " of them");
  const auto k = z.back();
  const auto lowest = z.size() == 2 ? z[0] : components[0].draw(k.tape(), 1, k.shape()[0], {}, noise)[0];
  Var<T> x;
  for (std::size_t i = 0; i < components.size(); ++i) {
    const auto part = slice(k, 1, i, i + 1) * components[i].decode({lowest}, {}, noise);
    x = x ? x + part : part;
  }
  return x;
}

template <class T> std::size_t Infinite<T>::used(double share) const {
  const Tensor<T>& n = counts.value();
  const double least = share * xt::sum(n)();
  return static_cast<std::size_t>(std::count_if(n.begin(), n.end(), [&](T count) { return count > least; }));
}

template <class T> void Infinite<T>::start_apart(const Tensor<T>& means) {
  if (means.dimension() != 2 || means.shape(0) != components.size())
    fail("start_apart",
         "means are " + to_string(means.shape()) + ", components " + std::to_string(components.size()));
  for (std::size_t k = 0; k < components.size(); ++k)
    components[k].start_at(xt::eval(xt::view(means, k, xt::all())));
}

template struct Infinite<float>;
template struct Infinite<double>;

}  // namespace strata
