// The model that a run's configuration describes.
#include "strata/tools/run/model.hpp"

#include "strata/tools/run/run_config.hpp"
#include "strata/vae/streams.hpp"

namespace strata::tools {

Model make_model(const RunConfig& c, std::size_t width, std::size_t classes, Rng& rng) {
  const VaeConfig config = model_config(c, width, classes);
  if (c.model == ModelKind::m2 && classes == 0) fail("model", "m2 needs labels, and these images have none");
  switch (c.model) {
    case ModelKind::hvae:
      return {Hvae<float>(config, rng)};
    case ModelKind::gmvae:
      return {Gmvae<float>(config, rng)};
    case ModelKind::m2:
      return {M2<float>(config, rng)};
    case ModelKind::baseline:
      return {Baseline<float>(config, rng)};
    case ModelKind::infinite: {
      Infinite<float> model(config, rng);
      model.concentration = static_cast<float>(c.concentration);
      model.memory = static_cast<float>(c.memory);
      return {model};
    }
    case ModelKind::vae:
      break;
  }
  return {Vae<float>(config, rng)};
}

Dataset training_data(const RunConfig& c, const Dataset& train) {
  if (c.known_labels == 0) return train;
  Rng rng{c.seed, 0, streams::known_labels};
  return with_few_labels(train, c.known_labels, c.label_repeats, rng);
}

}  // namespace strata::tools
