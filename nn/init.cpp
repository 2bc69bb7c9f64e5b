#include "nn/init.hpp"

#include <cmath>

#include "nn/names.hpp"

namespace strata {
namespace {

constexpr Names<Init, 3> names = {{{Init::source, "source"}, {Init::he, "he"}, {Init::glorot, "glorot"}}};

}  // namespace

Init parse_init(const std::string& name) { return parse_name("init", names, name); }
std::string to_string(Init init) { return name_of(names, init); }

template <class T> void initialize(Init init, Tensor<T>& weight, Tensor<T>& bias, Rng& rng) {
  const auto fan_in = static_cast<T>(weight.shape(0)), fan_out = static_cast<T>(weight.shape(1));
  const T deviation = std::sqrt(T(2) / fan_in), bound = std::sqrt(T(6) / (fan_in + fan_out));
  bias.fill(T(0));
  switch (init) {
    case Init::source:
      fill_normal(rng, bias);
      bias *= deviation;
      [[fallthrough]];
    case Init::he:
      fill_normal(rng, weight);
      weight *= deviation;
      break;
    case Init::glorot:
      fill_uniform(rng, weight);
      weight = bound * (T(2) * weight - T(1));
      break;
  }
}

template void initialize(Init, Tensor<float>&, Tensor<float>&, Rng&);
template void initialize(Init, Tensor<double>&, Tensor<double>&, Rng&);

}  // namespace strata
