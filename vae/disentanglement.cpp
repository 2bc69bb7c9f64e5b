#include "strata/vae/disentanglement.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "strata/tensor/interval.hpp"

namespace strata {
namespace {

// Column j of the codes in bins.
std::vector<std::size_t> binned(const Tensor<double>& codes, std::size_t j) {
  constexpr double bins = 20;
  const auto column = xt::view(codes, xt::all(), j);
  const double low = xt::amin(column)(), high = xt::amax(column)();
  std::vector<std::size_t> bin;
  for (const double z : column)
    bin.push_back(high > low ? static_cast<std::size_t>(std::min(bins - 1, bins * (z - low) / (high - low)))
                             : 0);
  return bin;
}

// −Σ p ln p of what was counted
template <class Key> double entropy(const std::vector<Key>& values) {
  std::map<Key, double> counts;
  for (const Key& value : values) ++counts[value];
  double total = 0;
  const auto all = static_cast<double>(values.size());
  for (const auto& [value, count] : counts) total -= count / all * std::log(count / all);
  return total;
}

}  // namespace

double mutual_information_gap(const Tensor<double>& codes, const Tensor<std::uint32_t>& factors) {
  if (codes.dimension() != 2 || factors.dimension() != 2 || codes.shape(0) != factors.shape(0) ||
      codes.size() == 0 || factors.size() == 0)
    fail("mutual_information_gap",
         "the codes are " + to_string(codes.shape()) + ", the factors " + to_string(factors.shape()));
  require_within("mutual_information_gap", "a code", codes, real_numbers);
  double total = 0;
  for (std::size_t f = 0; f < factors.shape(1); ++f) {
    const auto column = xt::view(factors, xt::all(), f);
    const std::vector<std::uint32_t> v(column.begin(), column.end());
    const double information = entropy(v);
    if (information == 0) fail("mutual_information_gap", "factor " + std::to_string(f) + " does not vary");
    double most = 0, second = 0;
    for (std::size_t j = 0; j < codes.shape(1); ++j) {
      const auto z = binned(codes, j);
      std::vector<std::pair<std::size_t, std::uint32_t>> both;
      for (std::size_t n = 0; n < v.size(); ++n) both.push_back({z[n], v[n]});
      const double told = entropy(z) + information - entropy(both);  // I(z_j; v)
      second = std::max(second, std::min(most, told));
      most = std::max(most, told);
    }
    total += (most - second) / information;
  }
  return total / static_cast<double>(factors.shape(1));
}

}  // namespace strata
