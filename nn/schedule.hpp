// Learning-rate schedules: what an epoch's rate is, as a factor on the first.
#pragma once

#include <cstddef>
#include <functional>

#include "strata/nn/names.hpp"

namespace strata {

/// The factor on the initial learning rate in an epoch, counted from 0: one of those below, or any function.
using Schedule = std::function<double(std::size_t epoch)>;

/// Always the same.
struct ConstantSchedule {
  double operator()(std::size_t) const { return 1; }
};

/// Times `factor` after every `every` epochs: PyTorch's StepLR, Keras' ExponentialDecay by stairs.
struct StepSchedule {
  std::size_t every = 10;
  double factor = 0.5;
  double operator()(std::size_t epoch) const;
};

/// Half a cosine from 1 down to `final` over `epochs` (Loshchilov and Hutter 2017, equation 5, without
/// restarts), and `final` from then on, as Keras' CosineDecay; PyTorch's CosineAnnealingLR rises again.
struct CosineSchedule {
  std::size_t epochs = 100;
  double final = 0;
  double operator()(std::size_t epoch) const;
};

/// Stage i = 0 ... 7 lasts 3ⁱ epochs at 10^(−i/7) (Burda et al. 2015, section 5.1), 3,280 epochs together;
/// another number of epochs stretches or shrinks all stages alike, and skips those shorter than an epoch.
struct BurdaSchedule {
  std::size_t epochs = 3280;
  double operator()(std::size_t epoch) const;
};

/// What a command line can choose.
enum class Decay { constant, step, cosine, burda };
template <> struct Named<Decay> {
  static constexpr const char* what = "schedule";
  static constexpr std::array names = {"constant", "step", "cosine", "burda"};
};

/// One of them for a run of this many epochs; `step` halves after every tenth of them.
Schedule make_schedule(Decay decay, std::size_t epochs);

}  // namespace strata
