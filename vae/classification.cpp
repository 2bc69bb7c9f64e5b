#include "strata/vae/classification.hpp"

#include <algorithm>

namespace strata {
namespace {

void require_rows(const char* operation, const Tensor<float>& p, const std::vector<std::size_t>& labels) {
  if (p.dimension() != 2 || p.size() == 0 || labels.size() != p.shape(0))
    fail(operation,
         "probabilities are " + to_string(p.shape()) + ", labels are " + std::to_string(labels.size()));
}

// The place of a row's largest number.
std::size_t largest(const Tensor<float>& p, std::size_t row) {
  const float* first = p.data() + row * p.shape(1);
  return static_cast<std::size_t>(std::max_element(first, first + p.shape(1)) - first);
}

}  // namespace

double error_rate(const Tensor<float>& p, const std::vector<std::size_t>& labels) {
  require_rows("error_rate", p, labels);
  double wrong = 0;
  for (std::size_t n = 0; n < labels.size(); ++n) wrong += largest(p, n) != labels[n];
  return wrong / static_cast<double>(labels.size());
}

double cluster_accuracy(const Tensor<float>& p, const std::vector<std::size_t>& labels) {
  require_rows("cluster_accuracy", p, labels);
  std::vector<std::size_t> best(p.shape(1), 0);  // of each cluster: its most probable row
  for (std::size_t n = 0; n < labels.size(); ++n)
    for (std::size_t k = 0; k < best.size(); ++k)
      if (p(n, k) > p(best[k], k)) best[k] = n;
  double right = 0;
  for (std::size_t n = 0; n < labels.size(); ++n) right += labels[n] == labels[best[largest(p, n)]];
  return right / static_cast<double>(labels.size());
}

}  // namespace strata
