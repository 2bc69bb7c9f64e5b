#include "strata/vae/models/vae.hpp"

#include <algorithm>

#include "strata/autograd/shape.hpp"
#include "strata/vae/draw_layer.hpp"

namespace strata {
namespace {

template <class T> PosteriorHead<T> make_posterior(const VaeConfig& c, std::size_t t, Rng& rng) {
  const std::size_t in = (t == 0 ? c.data : c.latent[t - 1]) + c.condition, out = c.latent[t];
  const auto& hidden = t == 0 ? c.hidden : c.upper_hidden;
  const auto kind = t + 1 == c.latent.size() ? c.top_posterior : c.posterior;
  if (kind == PosteriorKind::full && out > 1)
    return FullNormalHead<T>(in, hidden, out, c.networks, rng, c.scale);
  NormalHead<T> normal(in, hidden, out, c.networks, rng, c.scale);
  const MlpOptions tanh{.activation = Activation::tanh};
  if (kind == PosteriorKind::coupling && out > 1) {
    FlowHead<T, Coupling> flow{normal, {}};
    for (std::size_t i = 0; i < c.flow_steps; ++i) flow.steps.emplace_back(out, c.flow_hidden, tanh, rng);
    return flow;
  }
  if (kind == PosteriorKind::iaf && out > 1) {
    FlowHead<T, Autoregressive> flow{normal, {}};
    for (std::size_t i = 0; i < c.flow_steps; ++i)
      flow.steps.emplace_back(out, c.flow_hidden, tanh, i % 2 == 1, rng);
    return flow;
  }
  return normal;
}

}  // namespace

namespace detail {

std::vector<std::size_t> reversed(const std::vector<std::size_t>& widths) {
  return {widths.rbegin(), widths.rend()};
}

VaeConfig completed(VaeConfig config) {
  if (config.latent.empty()) fail("Vae", "needs at least one latent width");
  if (!config.networks.init)
    config.networks.init = suitable_init(config.networks.activation, config.latent.size());
  return config;
}

template <class T> Decoder<T> make_decoder(const VaeConfig& c, std::size_t in,
                                           const std::vector<std::size_t>& hidden, Rng& rng) {
  if (c.likelihood == Likelihood::bernoulli) return BernoulliHead<T>(in, hidden, c.data, c.networks, rng);
  const auto variance = c.likelihood == Likelihood::normal           ? Variance::fixed
                        : c.likelihood == Likelihood::normal_learned ? Variance::shared
                                                                     : Variance::each;
  return HomoscedasticHead<T>(in, hidden, c.data, c.networks, rng, variance, c.noise_variance);
}

template <class T> Prior<T> make_prior(const VaeConfig& c, std::size_t inputs, bool images, Rng& rng) {
  const std::size_t width = c.latent.back();
  if (c.condition > 0) {
    if (c.prior != PriorKind::standard)
      fail("Vae", "a conditional model has a prior of its own, not '" + to_string(c.prior) + "'");
    return ConditionalPrior<T>{{c.condition, c.prior_hidden, width, c.networks, rng, c.scale}};
  }
  if (c.prior == PriorKind::standard) return StandardPrior();
  if (c.components == 0) fail("Vae", "its prior needs at least one component");
  if (c.prior == PriorKind::mixture) return MixturePrior<T>(c.components, width, rng);
  return VampPrior<T>(c.components, inputs, images ? std::optional(unit_interval) : std::nullopt, rng);
}

template <class T> void start_pseudo_inputs(Prior<T>& prior, const Tensor<T>& inputs) {
  auto* vamp = std::get_if<VampPrior<T>>(&prior);
  if (vamp == nullptr) fail("start_pseudo_inputs", "the model's prior has no pseudo-inputs");
  vamp->start_at(inputs);
}

#define STRATA_INSTANTIATE(T)                                                                             \
  template Decoder<T> make_decoder(const VaeConfig&, std::size_t, const std::vector<std::size_t>&, Rng&); \
  template Prior<T> make_prior(const VaeConfig&, std::size_t, bool, Rng&);                                \
  template void start_pseudo_inputs(Prior<T>&, const Tensor<T>&);
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)
#undef STRATA_INSTANTIATE

}  // namespace detail

using detail::completed, detail::reversed;

namespace {

template <class T> Decoder<T> lowest_decoder(const VaeConfig& c, Rng& rng) {
  return detail::make_decoder<T>(c, c.latent[0] + c.condition, reversed(c.hidden), rng);
}

}  // namespace

template <class T> Vae<T>::Vae(const VaeConfig& config, Rng& rng)
    : decoder(lowest_decoder<T>(completed(config), rng)) {
  const VaeConfig c = completed(config);
  const std::size_t top = c.latent.size() - 1;
  for (std::size_t t = 0; t <= top; ++t) q.push_back(make_posterior<T>(c, t, rng));
  for (std::size_t t = 0; t < top; ++t)
    p.emplace_back(c.latent[t + 1] + c.condition, reversed(c.upper_hidden), c.latent[t], c.networks, rng,
                   c.scale);
  prior = detail::make_prior<T>(c, top == 0 ? c.data : c.latent[top - 1], top == 0, rng);
  if (config.networks.init || top == 0) return;
  const auto shrink = [](NormalHead<T>& head) { head.scale.weight.write() *= T(0.1); };
  for (auto& head : q)
    std::visit(
        [&](auto& h) {
          if constexpr (requires { h.diagonal; })
            shrink(h.diagonal);
          else if constexpr (requires { h.base; })
            shrink(h.base);
          else
            shrink(h);
        },
        head);
  for (auto& head : p) shrink(head);
}

template <class T> Pass<T> Vae<T>::pass(const Given<T>& given, const Noise<T>& noise, Context context) const {
  const std::size_t samples = given.samples, top = q.size() - 1;
  const auto once = read("pass", given.condition);
  const auto condition = once ? repeat_rows(once, samples) : once;
  Pass<T> pass{samples, {}, {}};
  auto& layers = pass.layers;
  for (std::size_t t = 0; t <= top; ++t)
    std::visit(
        [&](const auto& head) {                            // z_t ~ q(z_t | z_{t−1}), upwards
          Rng masks = context.rng ? *context.rng : Rng{};  // of dropout, which a second call repeats
          const auto posterior = t == 0 ? repeat_rows(head(beside(given.x, once), context), samples)
                                        : head(beside(layers[t - 1].below(), condition), context);
          const auto density = [&] {
            return head(beside(layers[t - 1].z, condition), {context.mode, &masks, context.group});
          };
          layers.push_back(t == 0 ? draw_layer(posterior, noise, given.paths)
                                  : draw_layer(posterior, noise, given.paths, density));
          const auto z = layers[t].z;
          if (t < top) return;
          std::visit(
              [&](const auto& prior_head) {
                const auto above = prior_head(head, z.tape(), condition, context);
                layers[top].log_p = log_prob(above, z);
                if constexpr (requires { kl(posterior, above); }) layers[top].kl = kl(posterior, above);
              },
              prior);
        },
        q[t]);
  for (std::size_t t = 0; t < top; ++t)  // p(z_t | z_{t+1})
    layers[t].log_p = log_prob(p[t](beside(layers[t + 1].z, condition), context), layers[t].z);
  std::visit(
      [&](const auto& head) {
        pass.log_likelihood =
            log_prob(head(beside(layers[0].z, condition), context), repeat_rows(given.x, samples));
      },
      decoder);
  return pass;
}

// The condition as the networks read it: none where the model was made without.
template <class T> Var<T> Vae<T>::read(const char* operation, Var<T> condition) const {
  if (!std::holds_alternative<ConditionalPrior<T>>(prior)) return {};
  if (!condition) fail(operation, "the model is conditional: give the condition that it was made for");
  return condition;
}

template <class T> Layers<Var<T>> Vae<T>::draw(Tape<T>& tape, std::size_t t, std::size_t rows,
                                               Var<T> condition, const Noise<T>& noise) const {
  if (t == 0 || t > q.size())
    fail("draw", "there is no layer " + std::to_string(t) + "; they are 1 ... " + std::to_string(q.size()));
  condition = read("draw", condition);
  Layers<Var<T>> z;
  z.push_back(std::visit(
      [&](const auto& head) {
        return sample_prior(prior, head, tape, {rows, head.width()}, condition, noise);
      },
      q.back()));
  for (std::size_t s = p.size(); s >= t; --s)  // z_s ~ p(z_s | z_{s+1})
    z.push_back(sample(p[s - 1](beside(z.back(), condition)), noise));
  std::reverse(z.begin(), z.end());
  return z;
}

template <class T>
Var<T> Vae<T>::decode(const Layers<Var<T>>& z, Var<T> condition, const Noise<T>& noise) const {
  if (z.empty() || z.size() > q.size())
    fail("decode", "needs z_t ... z_T of " + std::to_string(q.size()) + " layers, and has " +
                       std::to_string(z.size()) + " of them");
  condition = read("decode", condition);
  Var<T> lowest = z.front();
  for (std::size_t t = q.size() - z.size(); t > 0; --t)  // z_t ~ p(z_t | z_{t+1})
    lowest = sample(p[t - 1](beside(lowest, condition)), noise);
  return std::visit([&](const auto& head) { return mean(head(beside(lowest, condition))); }, decoder);
}

template <class T> void Vae<T>::encode_prior() {
  std::visit([&](const auto& head) { strata::encode_prior(prior, head); }, q.back());
}

template <class T> Layers<std::size_t> Vae<T>::latent() const {
  Layers<std::size_t> widths;
  for (const auto& head : q) widths.push_back(std::visit([](const auto& h) { return h.width(); }, head));
  return widths;
}

template struct Vae<float>;
template struct Vae<double>;

}  // namespace strata
