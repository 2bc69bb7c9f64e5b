#include "strata/vae/training.hpp"

namespace strata {

void require_finite(const Metrics& metrics, const StepContext& context) {
  if (!std::isfinite(metrics.elbo()))
    throw std::runtime_error(
        "[Trainer] the ELBO is no longer finite in epoch " + std::to_string(context.epoch + 1) + ", step " +
        std::to_string(context.step + 1) + "; a lower learning rate or clipped gradients may help");
}

}  // namespace strata
