// What training and evaluation report.
#pragma once

#include "strata/vae/pass.hpp"

namespace strata {

/// Means over images, in nats per image; without layers, the empty sum.
struct Metrics {
  double reconstruction = 0;
  Layers<double> layer_kl;  // of each layer, bottom up

  double kl() const;                                     ///< of all layers
  double elbo() const { return reconstruction - kl(); }  ///< with beta = 1, whatever the training's

  Metrics& operator+=(const Metrics& other);
  Metrics operator*(double factor) const;
  Metrics operator/(double divisor) const { return *this * (1 / divisor); }

  static void fields(auto& self, auto&& visit) {
    visit("reconstruction", self.reconstruction);
    visit("layer_kl", self.layer_kl);
  }
};

/// The means of a pass's terms over all rows.
template <class T> Metrics mean_metrics(const Pass<T>& pass);

/// Σ over a group's processes; without one, the same.
Metrics summed(Group* group, const Metrics& metrics);

/// Counts active units: those whose posterior mean varies over images, Var_x(E_q[z]) > 0.01 (Burda et al.
/// 2015, section 5.2), from two independent estimates of the means E_q[z] of one layer, each (N, L): their
/// covariance over images is that variance, without the estimates' own.
std::size_t active_units(const Tensor<double>& means, const Tensor<double>& other_means);

}  // namespace strata
