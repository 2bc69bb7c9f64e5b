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
  const auto explain = [&](float largest) {  // in a group: what the first process finds in its rows
    std::string why;
    {
      const Group::Alone alone(context.group);
      why = explain_non_finite(tape, names, largest);
    }
    return context.group ? first_text(*context.group, why) : why;
  };
  std::string why = explain(std::numeric_limits<float>::max());
  if (!why.empty()) return "[Trainer] numbers are not finite in " + place(context) + ": " + why;
  why = explain(std::sqrt(std::numeric_limits<float>::max()));
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
