#include "strata/vae/training.hpp"

namespace strata {

namespace {

std::string place(const StepContext& context) {
  return "epoch " + std::to_string(context.epoch + 1) + ", step " + std::to_string(context.step + 1);
}

}  // namespace

void require_finite(const Metrics& metrics, const StepContext& context) {
  if (!std::isfinite(metrics.elbo()))
    throw NonFinite("[Trainer] the ELBO is not finite in " + place(context));
}

namespace detail {

NonFinite failed_step(const NonFinite& error, const std::string& why, const StepContext& context,
                      const std::string& undone) {
  return NonFinite(
      (why.empty() ? "[Trainer] the step fails in " : "[Trainer] numbers are not finite in ") +
      place(context) + ": " + (why.empty() ? error.what() : why) + ". " + undone + "; " +
      (context.epoch + context.step == 0
           ? "no update had been made, so that the data, the initial weights or the model are the cause"
           : "a lower learning rate or clipped gradients may help"));
}

}  // namespace detail

}  // namespace strata
