// How well a model's classes or clusters agree with labels.
#pragma once

#include <vector>

#include "strata/tensor/tensor.hpp"

namespace strata {

/// The share of rows of `probabilities` (N, K) whose largest is not that of the label. Throws unless there is
/// a label for each row and one row at least, and unless all are finite.
double error_rate(const Tensor<float>& probabilities, const std::vector<std::size_t>& labels);

/// The share of rows whose label is that of their cluster, the place of their largest probability; a
/// cluster's label is that of the row that is most probable in it (Dilokthanakul et al. 2016, section 5.2).
/// Throws as above.
double cluster_accuracy(const Tensor<float>& probabilities, const std::vector<std::size_t>& labels);

/// The classes of `test` (M, D) by logistic regression on the rows of `x` (N, D) and their labels:
/// softmax(test W + b) (M, K) at the most probable W and b, which N(0, 1) has drawn alike: there is one
/// answer, and nothing to tune. Throws unless there is a label below K for each row.
Tensor<float> logistic_regression(const Tensor<float>& x, const std::vector<std::size_t>& labels,
                                  std::size_t classes, const Tensor<float>& test);

}  // namespace strata
