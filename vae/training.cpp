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

std::string told(const NonFinite& error, Tape<float>& tape, const Names<float>& names,
                 const StepContext& context) {
  std::string why = explain_non_finite(tape, names);
  if (!why.empty()) return "[Trainer] numbers are not finite in " + place(context) + ": " + why;
  why = explain_non_finite(tape, names, std::sqrt(std::numeric_limits<float>::max()));
  return "[Trainer] the step fails in " + place(context) + ": " + error.what() + (why.empty() ? "" : ": ") +
         why;
}

std::string advice(const StepContext& context) {
  return context.epoch + context.step == 0
             ? "no update had been made, so that the data, the initial weights or the model are the cause"
             : "a lower learning rate or clipped gradients may help";
}

}  // namespace detail

}  // namespace strata
