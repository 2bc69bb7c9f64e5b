// Stochastic variational inference without an encoder: a posterior of its own for every data point (Hoffman
// et al. 2013), as a model, or to refine what an encoder proposes (Kim et al. 2018).
#pragma once

#include <span>

#include "strata/autograd/arithmetic.hpp"
#include "strata/autograd/reduce.hpp"
#include "strata/autograd/shape.hpp"
#include "strata/nn/optimizer.hpp"
#include "strata/vae/distributions.hpp"
#include "strata/vae/non_finite.hpp"

namespace strata {

/// q(z_n) = N(mean_n, diag e^log_variance_n) for each of N data points.
template <class T> struct LocalPosteriors {
  Parameter<T> mean;          // (N, L)
  Parameter<T> log_variance;  // (N, L)

  /// N(0, I) for every point.
  LocalPosteriors(std::size_t count, std::size_t latent)
      : mean{xt::zeros<T>({count, latent})}, log_variance{xt::zeros<T>({count, latent})} {}

  /// Those of all points, on a tape.
  Normal<T> on(Tape<T>& tape) const { return {mean.on(tape), log_variance.on(tape)}; }

  /// Copies of the given rows, and back. Throw for a row that is not there.
  LocalPosteriors rows(std::span<const std::size_t> rows) const;
  void set_rows(std::span<const std::size_t> rows, const LocalPosteriors& values);

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
/// mean over `samples` draws. x (B, D), `decoder` a head: (B).
template <class T, class Decoder>
Var<T> local_elbo(const Decoder& decoder, const Normal<T>& q, Var<T> x, std::size_t samples,
                  const Noise<std::type_identity_t<T>>& noise, Context context = {}) {
  const auto z = sample(repeat_rows(q, samples), noise);
  const auto draws = log_prob(decoder(z, context), repeat_rows(x, samples));
  return mean(reshape(draws, {-1, static_cast<std::ptrdiff_t>(samples)}), {1}) - kl(q, standard_normal);
}

/// Raises the ELBO of x (B, D) over its posteriors, rows of `local` (B, L), with the decoder frozen, in
/// inference mode. Throws for another number of rows, and NonFinite, saying where from, if the gradient is
/// not finite.
template <class T, class Decoder> void refine(Decoder& decoder, LocalPosteriors<T>& local, const Tensor<T>& x,
                                              const SviOptions& options, Rng& rng) {
  const Shape& means = local.mean.value().shape();
  if (x.dimension() != 2 || x.shape(0) != means[0])
    fail("refine", "x is " + to_string(x.shape()) + ", the posteriors' means are " + to_string(means));
  const Frozen frozen(decoder);
  Optimizer<T> optimizer(parameters<T>(local), Adam{}, options.learning_rate);
  const Versioned<T> data(x);
  Tape<T> tape;
  for (std::size_t step = 0; step < options.steps; ++step) {
    tape.reset();
    // The sum, not the mean: every point's step is its own.
    tape.backward(-sum(local_elbo(decoder, local.on(tape), tape.reference(data), options.samples, rng)));
    try {
      optimizer.step();
    } catch (const NonFinite&) {
      fail_non_finite("[refine] a gradient is not finite", tape, Names<T>{paths(decoder, local)});
    }
  }
}

/// A latent variable model p(x | z) p(z) with local posteriors for N data points. Its decoder and its
/// posteriors are trained by optimizers of their own.
template <class T, class Decoder> struct Svi {
  Decoder decoder;           // p(x | z), a head
  LocalPosteriors<T> local;  // q(z_n), n = 1 ... N

  Svi(Decoder head, std::size_t count, std::size_t latent) : decoder(std::move(head)), local(count, latent) {}

  /// N/B Σ_b ELBO(x_b) for a minibatch of B points with posteriors q: an unbiased estimate of the sum over
  /// all data, and so are its gradients. x (B, D): rank 0.
  Var<T> scaled_elbo(const Normal<T>& q, Var<T> x, std::size_t samples, Rng& rng) const {
    const T scale = static_cast<T>(local.mean.value().shape(0)) / static_cast<T>(x.shape()[0]);
    return scale * sum(local_elbo(decoder, q, x, samples, rng, training(rng)));
  }

  /// One step of stochastic variational inference on the given rows, whose data are x (B, D): refines their
  /// posteriors, then takes one step of the decoder's optimizer along N/B Σ_b ELBO(x_b). Returns the
  /// minibatch's mean ELBO. Throws for a row that is not among the N, or another number of rows of x, and
  /// NonFinite as `refine` does, the decoder unchanged.
  double step(std::span<const std::size_t> rows, const Tensor<T>& x, Optimizer<T>& optimizer,
              const SviOptions& options, Rng& rng) {
    LocalPosteriors<T> batch = local.rows(rows);
    refine(decoder, batch, x, options, rng);
    local.set_rows(rows, batch);
    freeze(batch);
    Tape<T> tape;
    const auto bound = scaled_elbo(batch.on(tape), tape.constant(x), options.samples, rng);
    tape.backward(-bound);
    try {
      optimizer.step();
    } catch (const NonFinite&) {
      fail_non_finite("[Svi] a gradient is not finite", tape, Names<T>{paths(*this)});
    }
    return static_cast<double>(bound.value()()) / static_cast<double>(local.mean.value().shape(0));
  }

  static void fields(auto& self, auto&& visit) {
    visit("decoder", self.decoder);
    visit("local", self.local);
  }
};

template <template <class> class Head, class T> Svi(Head<T>, std::size_t, std::size_t) -> Svi<T, Head<T>>;

}  // namespace strata
