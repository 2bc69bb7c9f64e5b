// One pass through a latent variable model: what q drew, and how likely every factor finds it.
#pragma once

#include "vae/networks.hpp"

namespace strata {

/// Something for each stochastic layer, bottom up; held in place up to sixteen layers.
template <class V> using Layers = xt::svector<V, 16>;

/// What a path starts from.
template <class T> struct Given {
  Var<T> x;                 // (N, D)
  Var<T> condition = {};    // (N, C), read by every network beside its input; or empty
  std::size_t samples = 1;  // K: draws of z for each row of x
};

/// Draws z_1 ... z_T from q(z_1 | x) Π q(z_t | z_{t−1}) with the distributions of all factors, of which
/// p(x, z) = p(x | z_1) Π p(z_t | z_{t+1}) p(z_T). With K samples each row of x stands for K rows here, one
/// after another: B below is the number of images times K.
template <class T> struct Path {
  std::size_t samples;         // K
  Var<T> x;                    // (B, D)
  Layers<Normal<T>> q;         // q(z_t | z_{t−1}), z_0 = x
  Layers<Var<T>> epsilon;      // z_t = mean + C epsilon, (B, L_t)
  Layers<Var<T>> z;            // (B, L_t)
  Layers<Normal<T>> p;         // p(z_t | z_{t+1}), t < T
  Normal<T> prior;             // p(z_T), or N(0, I) where its mean is empty
  Observation<T> observation;  // p(x | z_1)
};

/// Draws from N(0, I) for every layer, of these widths.
template <class T>
Layers<Var<T>> draw_noise(Tape<T>& tape, std::size_t rows, const Layers<std::size_t>& widths, Rng& rng);

/// Throws unless there is noise for every one of the layers.
template <class T> void require_noise(const Layers<Var<T>>& epsilon, std::size_t layers);

/// (x, condition) side by side, or x where there is no condition.
template <class T> Var<T> beside(Var<T> x, Var<T> condition);

/// The same distribution for `times` rows instead of each.
template <class T> Normal<T> repeat_rows(const Normal<T>& p, std::size_t times);

/// The terms of ln p(x, z) − ln q(z | x) for every row, in nats, each (B).
template <class T> struct Terms {
  std::size_t samples;    // K: rows of each image, one after another
  Var<T> reconstruction;  // ln p(x | z_1)
  Layers<Var<T>> log_p;   // ln p(z_t | z_{t+1}); the last is ln p(z_T)
  Layers<Var<T>> log_q;   // ln q(z_t | z_{t−1})
  Var<T> top_kl;          // KL(q(z_T | z_{T−1}) ‖ p(z_T)) in closed form

  /// One layer's part of KL(q(z | x) ‖ p(z)): log_q − log_p by this draw, and `top_kl` for t = T. t counts
  /// from 0. Only the top layer has a closed form: below it z_{t+1}, on which p depends, is drawn given z_t.
  Var<T> kl(std::size_t t) const;

  /// reconstruction − beta Σ kl (Higgins et al. 2017); only beta = 1 bounds ln p(x).
  Var<T> elbo(T beta = T(1)) const;

  /// reconstruction + beta Σ (log_p − log_q), without a closed form; with beta = 1 its exponential averages
  /// to p(x).
  Var<T> log_weight(T beta = T(1)) const;

 private:
  Var<T> bound(T beta, Var<T> top) const;  // with this divergence of the top layer
};

/// The terms of a path: for each row ln p(x | z_1), ln p(z_t | z_{t+1}), ln q(z_t | z_{t−1}), and the top's
/// KL.
template <class T> Terms<T> terms(const Path<T>& path);

}  // namespace strata
