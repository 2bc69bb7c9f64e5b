// What a configuration says of its model's networks, before any is made.
#include <algorithm>

#include "strata/tools/run/run_config.hpp"

namespace strata::tools {

VaeConfig model_config(const RunConfig& c, std::size_t width, std::size_t classes) {
  if (c.conditional && classes == 0) fail("conditional", "it needs labels, and these images have none");
  return {.data = width,
          .hidden = c.hidden,
          .latent = c.latent,
          .upper_hidden = c.upper_hidden,
          .networks = {.activation = c.activation, .init = c.init, .batch_norm = c.batch_norm},
          .likelihood = c.likelihood,
          .noise_variance = c.noise_variance,
          .scale = c.scale,
          .posterior = c.posterior,
          .top_posterior = c.full_top_covariance ? PosteriorKind::full : c.posterior,
          .flow_steps = c.flow_steps,
          .flow_hidden = c.flow_hidden,
          .prior = c.prior,
          .components = c.model == ModelKind::m2 ? classes : c.components,
          .condition = c.quadrants > 0 ? width * c.quadrants / (4 - c.quadrants)
                       : c.conditional ? classes
                                       : 0,
          .prior_hidden = c.prior_hidden};
}

double least_bytes(const RunConfig& config, std::size_t width, std::size_t classes) {
  constexpr double header = 50, number = 2;  // of a tensor's description, and of a half
  const VaeConfig c = model_config(config, width, classes);
  double bytes = 0;
  // So many maps h W + b of a network.
  const auto add = [&](double times, std::size_t in, const std::vector<std::size_t>& hidden,
                       std::size_t last) {
    const auto add_map = [&](std::size_t out) {
      bytes += times * (2 * header + number * (static_cast<double>(in) + 1) * static_cast<double>(out));
      in = out;
    };
    std::for_each(hidden.begin(), hidden.end(), add_map);
    add_map(last);
  };
  const bool vae = config.model == ModelKind::vae;
  if (c.prior != PriorKind::standard)
    bytes += number * static_cast<double>(c.components) *
             static_cast<double>(c.prior == PriorKind::mixture ? c.latent.back()
                                 : vae && c.latent.size() > 1  ? c.latent[c.latent.size() - 2]
                                                               : c.data);
  if (config.model == ModelKind::gmvae) add(1, c.latent.back(), c.upper_hidden, c.components * c.latent[0]);
  if (config.model == ModelKind::baseline) {
    add(1, c.condition, c.hidden, c.data);
    return bytes;
  }
  if (c.condition > 0) add(1, c.condition, c.prior_hidden, c.latent.back());
  if (!vae) {  // two networks of it at least read x
    const auto components = static_cast<double>(config.model == ModelKind::infinite ? c.components : 1);
    add(2 * components, c.data, c.hidden, config.model == ModelKind::m2 ? c.components : 1);
    return bytes;
  }
  for (std::size_t t = 0; t < c.latent.size(); ++t) {
    // Every map is there in q and, in reverse, in p.
    add(2, t == 0 ? c.data : c.latent[t - 1], t == 0 ? c.hidden : c.upper_hidden, c.latent[t]);
    if (c.posterior == PosteriorKind::coupling || c.posterior == PosteriorKind::iaf)
      if (c.latent[t] > 1) add(static_cast<double>(c.flow_steps), 1, c.flow_hidden, 1);
  }
  return bytes;
}

}  // namespace strata::tools
