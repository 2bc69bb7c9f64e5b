#include "vae/metrics.hpp"

#include <algorithm>
#include <numeric>

namespace strata {
namespace {

template <class T> double mean_of(const Tensor<T>& x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

}  // namespace

double Metrics::kl() const { return std::accumulate(layer_kl.begin(), layer_kl.end(), 0.0); }

Metrics& Metrics::operator+=(const Metrics& other) {
  reconstruction += other.reconstruction;
  while (layer_kl.size() < other.layer_kl.size()) layer_kl.push_back(0);
  for (std::size_t t = 0; t < other.layer_kl.size(); ++t) layer_kl[t] += other.layer_kl[t];
  return *this;
}

Metrics Metrics::operator*(double factor) const {
  Metrics scaled = *this;
  scaled.reconstruction *= factor;
  for (double& kl : scaled.layer_kl) kl *= factor;
  return scaled;
}

template <class T> Metrics mean_metrics(const Terms<T>& terms) {
  Metrics metrics;
  metrics.reconstruction = mean_of(terms.reconstruction.value());
  const std::size_t top = terms.log_q.size() - 1;
  for (std::size_t t = 0; t < top; ++t)
    metrics.layer_kl.push_back(mean_of(terms.log_q[t].value()) - mean_of(terms.log_p[t].value()));
  metrics.layer_kl.push_back(mean_of(terms.top_kl.value()));
  return metrics;
}

std::size_t active_units(const Tensor<double>& means, const Tensor<double>& other_means) {
  const Tensor<double> deviations = means - xt::mean(means, {0});
  const Tensor<double> covariance = xt::mean(deviations * other_means, {0});
  return static_cast<std::size_t>(
      std::count_if(covariance.begin(), covariance.end(), [](double c) { return c > 0.01; }));
}

template Metrics mean_metrics(const Terms<float>&);
template Metrics mean_metrics(const Terms<double>&);

}  // namespace strata
