// Stochastic variational inference without an encoder: a posterior of its own for every data point (Hoffman
// et al. 2013), as a model, or to refine what an encoder proposes (Kim et al. 2018).
#pragma once

#include <span>

#include "nn/fields.hpp"
#include "nn/optimizer.hpp"
#include "vae/networks.hpp"

namespace strata {

/// q(z_n) = N(mean_n, diag e^log_variance_n) for each of N data points.
template <class T> struct LocalPosteriors {
  Parameter<T> mean;          // (N, L)
  Parameter<T> log_variance;  // (N, L)

  /// N(0, I) for every point.
  LocalPosteriors(std::size_t count, std::size_t latent)
      : mean{xt::zeros<T>({count, latent}), {}}, log_variance{xt::zeros<T>({count, latent}), {}} {}

  /// Those of all points, on a tape.
  Normal<T> on(Tape<T>& tape) const { return {mean.on(tape), log_variance.on(tape), {}}; }

  static void fields(auto& self, auto&& visit) {
    visit("mean", self.mean);
    visit("log_variance", self.log_variance);
  }
};

struct SviOptions {
  std::size_t steps = 20;       ///< Adam's steps on the local posteriors
  double learning_rate = 0.05;  ///< of these steps
  std::size_t samples = 1;      ///< draws of each z a step
};

/// The ELBO of points given their posteriors, one number for each row: E_q ln p(x | z) − KL(q ‖ N(0, I)), the
/// mean over `samples` draws. x (B, D): (B).
template <class T> Var<T> local_elbo(ObservationNetwork<T>& decoder, const Normal<T>& q, Var<T> x,
                                     std::size_t samples, Rng& rng, Mode mode);

/// Raises the ELBO of x (B, D) over its posteriors, rows of `local` (B, L), with the decoder fixed; in
/// inference mode. Gradients that wait at the decoder are discarded. Throws for another number of rows.
template <class T> void refine(ObservationNetwork<T>& decoder, LocalPosteriors<T>& local, const Tensor<T>& x,
                               const SviOptions& options, Rng& rng);

/// A latent variable model p(x | z) p(z) with local posteriors for N data points.
template <class T> struct Svi {
  ObservationNetwork<T> decoder;  // p(x | z)
  LocalPosteriors<T> local;       // q(z_n), n = 1 ... N

  Svi(ObservationNetwork<T> network, std::size_t count, std::size_t latent)
      : decoder(std::move(network)), local(count, latent) {}

  /// N/B Σ_b ELBO(x_b) for a minibatch of B points, the given rows: an unbiased estimate of the sum over all
  /// data, and so are its gradients. x (B, D), q their posteriors: rank 0.
  Var<T> scaled_elbo(const Normal<T>& q, Var<T> x, std::size_t samples, Rng& rng, Mode mode);

  /// One step of stochastic variational inference on the given rows, whose data are x (B, D): refines their
  /// posteriors, then takes one optimizer step on the decoder along N/B Σ_b ELBO(x_b). Returns the
  /// minibatch's mean ELBO. Throws for a row that is not among the N, or another number of rows of x.
  double step(std::span<const std::size_t> rows, const Tensor<T>& x, Optimizer<T>& optimizer,
              const SviOptions& options, Rng& rng);

  static void fields(auto& self, auto&& visit) { visit("decoder", self.decoder); }
};

}  // namespace strata
