// Learning-rate schedules: the rate of an epoch, counted from 0.
#pragma once

#include <cstddef>
#include <string>
#include <variant>

namespace strata {

/// Always the same.
struct ConstantSchedule {};

/// Times `factor` after every `every` epochs.
struct StepSchedule {
  std::size_t every = 10;
  double factor = 0.5;
};

/// Half a cosine from 1 down to `final` over `epochs` (Loshchilov and Hutter 2017, equation 5, without
/// restarts).
struct CosineSchedule {
  std::size_t epochs = 100;
  double final = 0;
};

/// Stage i = 0 ... 7 lasts 3ⁱ epochs at 10^(−i/7) (Burda et al. 2015, section 5.1), 3,280 epochs together;
/// another number of epochs stretches or shrinks all stages alike, and skips those shorter than an epoch.
struct BurdaSchedule {
  std::size_t epochs = 3280;
};

using Schedule = std::variant<ConstantSchedule, StepSchedule, CosineSchedule, BurdaSchedule>;

/// The factor on the initial learning rate in an epoch, counted from 0.
double schedule_factor(const Schedule& schedule, std::size_t epoch);

/// "constant", "step", "cosine" or "burda" for a run of this many epochs ("step" halves after every tenth of
/// them). Throws for another name.
Schedule parse_schedule(const std::string& name, std::size_t epochs);

}  // namespace strata
