#include "strata/vae/models/gmvae.hpp"

#include <cmath>

#include "strata/autograd/arithmetic.hpp"
#include "strata/autograd/probability.hpp"
#include "strata/autograd/reduce.hpp"
#include "strata/autograd/shape.hpp"
#include "strata/vae/draw_layer.hpp"

namespace strata {
namespace {

VaeConfig checked(const VaeConfig& c) {
  if (c.latent.size() != 2)
    fail("Gmvae", "needs the widths of z and w, and has " + std::to_string(c.latent.size()) + " of them");
  if (c.condition > 0) fail("Gmvae", "reads no condition");
  if (c.prior != PriorKind::standard) fail("Gmvae", "has a prior of its own");
  if (c.components == 0) fail("Gmvae", "needs at least one cluster");
  return detail::completed(c);
}

}  // namespace

template <class T> Gmvae<T>::Gmvae(const VaeConfig& config, Rng& rng)
    : q_z(config.data, config.hidden, checked(config).latent[0], checked(config).networks, rng, config.scale),
      q_w(config.data, config.hidden, config.latent[1], checked(config).networks, rng, config.scale),
      p_z(config.latent[1], config.upper_hidden, config.components * config.latent[0],
          checked(config).networks, rng, config.scale),
      decoder(
          detail::make_decoder<T>(checked(config), config.latent[0], detail::reversed(config.hidden), rng)) {}

template <class T> Normal<T> Gmvae<T>::components(Var<T> w, Context context) const {
  const auto p = p_z(w, context);
  const Sizes shape = {-1, static_cast<std::ptrdiff_t>(p_z.width() / q_z.width()),
                       static_cast<std::ptrdiff_t>(q_z.width())};
  return {reshape(p.mean, shape), reshape(p.log_variance, shape)};
}

template <class T> Var<T> Gmvae<T>::joint(Var<T> z, Var<T> w, Context context) const {
  const auto p = components(w, context);
  const std::size_t clusters = p.mean.shape()[1];
  return log_prob(p, unsqueeze(z, 1, clusters)) - std::log(static_cast<T>(clusters));
}

template <class T>
Pass<T> Gmvae<T>::pass(const Given<T>& given, const Noise<T>& noise, Context context) const {
  const auto of_w = repeat_rows(q_w(given.x, context), given.samples);
  Layer<T> z = draw_layer(repeat_rows(q_z(given.x, context), given.samples), noise, given.paths);
  Layer<T> w = draw_layer(of_w, noise, given.paths);
  z.log_p = logsumexp(joint(z.z, w.z, context));
  w.log_p = log_prob(standard_normal, w.z);
  w.kl = kl(of_w, standard_normal);
  const auto x = repeat_rows(given.x, given.samples);
  return {given.samples,
          std::visit([&](const auto& head) { return log_prob(head(z.z, context), x); }, decoder),
          {z, w}};
}

template <class T> Var<T> Gmvae<T>::classify(Var<T> x, Context context) const {
  return softmax(joint(q_z(x, context).mean, q_w(x, context).mean, context));
}

template <class T> Var<T> Gmvae<T>::draw_z(Var<T> w, const Noise<T>& noise) const {
  const auto p = components(w, {});
  const std::size_t rows = w.shape()[0], clusters = p.mean.shape()[1], width = q_z.width();
  const Tensor<T>& u = noise.uniform(w.tape(), {rows}).value();
  std::vector<std::size_t> chosen;  // rows · K + y
  for (std::size_t i = 0; i < rows; ++i)
    chosen.push_back(i * clusters +
                     std::min(clusters - 1, static_cast<std::size_t>(u(i) * static_cast<T>(clusters))));
  const Sizes flat = {-1, static_cast<std::ptrdiff_t>(width)};
  const auto of_y = [&](Var<T> v) { return gather_rows(reshape(v, flat), chosen); };
  return sample(Normal<T>{of_y(p.mean), of_y(p.log_variance)}, noise);
}

template <class T> Layers<Var<T>> Gmvae<T>::draw(Tape<T>& tape, std::size_t t, std::size_t rows, Var<T>,
                                                 const Noise<T>& noise) const {
  if (t != 1 && t != 2) fail("draw", "there is no layer " + std::to_string(t) + "; they are 1 and 2");
  const auto w = sample(standard_normal, tape, {rows, q_w.width()}, noise);
  if (t == 2) return {w};
  return {draw_z(w, noise), w};
}

template <class T> Var<T> Gmvae<T>::decode(const Layers<Var<T>>& z, Var<T>, const Noise<T>& noise) const {
  if (z.empty() || z.size() > 2)
    fail("decode", "needs w, or z and w, and has " + std::to_string(z.size()) + " of them");
  const auto lowest = z.size() == 2 ? z[0] : draw_z(z[0], noise);
  return std::visit([&](const auto& head) { return mean(head(lowest)); }, decoder);
}

template struct Gmvae<float>;
template struct Gmvae<double>;

}  // namespace strata
