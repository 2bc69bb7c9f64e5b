#include "strata/vae/metrics.hpp"

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

template <class T> Metrics mean_metrics(const Pass<T>& pass) {
  Metrics metrics{mean_of(pass.log_likelihood.value()), {}};
  for (const Layer<T>& layer : pass.layers)
    metrics.layer_kl.push_back(layer.kl ? mean_of(layer.kl.value())
                                        : mean_of(layer.log_q.value()) - mean_of(layer.log_p.value()));
  return metrics;
}

Metrics summed(Group* group, const Metrics& metrics) {
  if (!group) return metrics;
  Metrics sum = metrics;
  sum.layer_kl.push_back(sum.reconstruction);
  group->sum({sum.layer_kl.data(), sum.layer_kl.size()});
  sum.reconstruction = sum.layer_kl.back();
  sum.layer_kl.pop_back();
  return sum;
}

std::size_t active_units(const Tensor<double>& means, const Tensor<double>& other_means) {
  const Tensor<double> deviations = means - xt::mean(means, {0});
  const Tensor<double> covariance = xt::mean(deviations * other_means, {0});
  return static_cast<std::size_t>(
      std::count_if(covariance.begin(), covariance.end(), [](double c) { return c > 0.01; }));
}

template Metrics mean_metrics(const Pass<float>&);
template Metrics mean_metrics(const Pass<double>&);

}  // namespace strata
