#include "nn/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tensor/tensor.hpp"

namespace strata {
namespace {

double factor(const ConstantSchedule&, double) { return 1; }

double factor(const StepSchedule& s, double epoch) {
  return std::pow(s.factor, std::floor(epoch / static_cast<double>(std::max<std::size_t>(s.every, 1))));
}

double factor(const CosineSchedule& s, double epoch) {
  const double progress = std::min(1.0, epoch / static_cast<double>(std::max<std::size_t>(s.epochs, 1)));
  return s.final + (1 - s.final) * 0.5 * (1 + std::cos(std::numbers::pi * progress));
}

double factor(const BurdaSchedule& s, double epoch) {
  constexpr double stages = 8, total = 3280;  // 3⁰ + ... + 3⁷
  const double scaled = epoch * total / static_cast<double>(std::max<std::size_t>(s.epochs, 1));
  const double stage =
      std::floor(std::log(2 * scaled + 1) / std::log(3.0) + 1e-12);  // stage i begins at (3ⁱ − 1) / 2
  return std::pow(10.0, -std::min(stage, stages - 1) / 7);
}

}  // namespace

double schedule_factor(const Schedule& schedule, std::size_t epoch) {
  return std::visit([&](const auto& s) { return factor(s, static_cast<double>(epoch)); }, schedule);
}

Schedule parse_schedule(const std::string& name, std::size_t epochs) {
  if (name == "constant") return ConstantSchedule{};
  if (name == "step") return StepSchedule{std::max<std::size_t>(1, (epochs + 9) / 10), 0.5};
  if (name == "cosine") return CosineSchedule{epochs, 0};
  if (name == "burda") return BurdaSchedule{epochs};
  fail("schedule", "'" + name + "' is unknown; there are constant, step, cosine, burda");
}

}  // namespace strata
