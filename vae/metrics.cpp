#include "vae/metrics.hpp"

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
  if (layer_kl.empty())
    layer_kl = other.layer_kl;
  else
    for (std::size_t t = 0; t < layer_kl.size(); ++t) layer_kl[t] += other.layer_kl[t];
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

std::size_t active_units(const Tensor<double>& means) {
  const std::size_t images = means.shape(0), units = means.shape(1);
  std::size_t active = 0;
  for (std::size_t unit = 0; unit < units; ++unit) {
    double sum = 0, squares = 0;
    for (std::size_t image = 0; image < images; ++image) sum += means(image, unit);
    const double mean = sum / static_cast<double>(images);
    for (std::size_t image = 0; image < images; ++image)
      squares += (means(image, unit) - mean) * (means(image, unit) - mean);
    active += squares / static_cast<double>(images) > 0.01;
  }
  return active;
}

template Metrics mean_metrics(const Terms<float>&);
template Metrics mean_metrics(const Terms<double>&);

}  // namespace strata
