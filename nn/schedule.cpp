#include "strata/nn/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace strata {

double StepSchedule::operator()(std::size_t epoch) const {
  return std::pow(factor, static_cast<double>(epoch / std::max<std::size_t>(every, 1)));
}

double CosineSchedule::operator()(std::size_t epoch) const {
  const double length = static_cast<double>(std::max<std::size_t>(epochs, 1));
  const double progress = std::min(1.0, static_cast<double>(epoch) / length);
  return final + (1 - final) * 0.5 * (1 + std::cos(std::numbers::pi * progress));
}

double BurdaSchedule::operator()(std::size_t epoch) const {
  constexpr double stages = 8, total = 3280;  // 3⁰ + ... + 3⁷
  const double length = static_cast<double>(std::max<std::size_t>(epochs, 1));
  const double scaled = static_cast<double>(epoch) * total / length;
  const double stage =
      std::floor(std::log(2 * scaled + 1) / std::log(3.0) + 1e-12);  // stage i begins at (3ⁱ − 1) / 2
  return std::pow(10.0, -std::min(stage, stages - 1) / 7);
}

Schedule make_schedule(Decay decay, std::size_t epochs) {
  switch (decay) {
    case Decay::constant:
      return ConstantSchedule{};
    case Decay::step:
      return StepSchedule{std::max<std::size_t>(1, (epochs + 9) / 10), 0.5};
    case Decay::cosine:
      return CosineSchedule{epochs, 0};
    case Decay::burda:
      return BurdaSchedule{epochs};
  }
  fail("schedule", "the decay " + std::to_string(static_cast<int>(decay)) + " is unknown");
}

}  // namespace strata
