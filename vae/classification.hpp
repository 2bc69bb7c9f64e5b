// How well a model's classes or clusters agree with labels.
#pragma once

#include <vector>

#include "strata/tensor/tensor.hpp"

namespace strata {

/// The share of rows of `probabilities` (N, K) whose largest is not that of the label. Throws unless there is
/// a label for each row, and one row at least.
double error_rate(const Tensor<float>& probabilities, const std::vector<std::size_t>& labels);

/// The share of rows whose label is that of their cluster, the place of their largest probability; a
/// cluster's label is that of the row that is most probable in it (Dilokthanakul et al. 2016, section 5.2).
/// Throws as above.
double cluster_accuracy(const Tensor<float>& probabilities, const std::vector<std::size_t>& labels);

}  // namespace strata
