// One pass through a latent variable model: all that objectives, metrics and estimation see of it.
#pragma once

#include <concepts>

#include "strata/nn/parameter.hpp"
#include "strata/vae/noise.hpp"

namespace strata {

/// Something for each stochastic layer, bottom up; held in place up to sixteen layers.
template <class V> using Layers = xt::svector<V, 16>;

/// How derivatives leave the densities of a pass; the values are the same.
enum class Paths {
  joint,   ///< each z is one variable
  split,   ///< Layer::z, which the densities read, is a copy of Layer::drawn, which the draw above it reads
  stopped  ///< the same, and the parameters of q are constants in log_q, which z alone reaches
};

/// What a pass starts from.
template <class T> struct Given {
  Var<T> x;  ///< (N, D)
  Var<T> condition =
      {};  // (N, C): what is known of x beside it, such as its label as a unit vector; or empty
  std::size_t samples = 1;     ///< K: draws of z for each row of x
  Paths paths = Paths::joint;  ///< what the objective asks for: `paths_of`
};

/// z_t of one pass, t = 1 ... T; z_0 is x, and p(z_T | z_{T+1}) is the prior p(z_T).
template <class T> struct Layer {
  Var<T> z;      ///< (B, L), a draw from q(z_t | z_{t−1})
  Var<T> mean;   ///< (B, L), E_q[z_t | z_{t−1}]
  Var<T> log_q;  ///< (B), ln q(z_t | z_{t−1})
  Var<T> log_p;  ///< (B), ln p(z_t | z_{t+1})
  Var<T> kl;     ///< (B), KL(q(z_t | z_{t−1}) ‖ p(z_t)) in closed form; or empty
  Var<T> drawn;  ///< (B, L), the draw of which z is a copy, where the paths are split; or empty

  /// z_t as q(z_{t+1} | z_t) reads it when z_{t+1} is drawn.
  Var<T> below() const { return drawn ? drawn : z; }

  /// The layer's part of KL(q(z | x) ‖ p(z)): in closed form where that is known, else log_q − log_p by this
  /// draw. Below the top there is none: z_{t+1}, on which p depends, is drawn given z_t.
  Var<T> divergence() const;
};

/// The terms of ln p(x, z) − ln q(z | x) for every row, in nats. With K samples each image stands for K rows,
/// one after another: B is the number of images times K.
template <class T> struct Pass {
  std::size_t samples;      ///< K
  Var<T> log_likelihood;    ///< (B), ln p(x | z_1)
  Layers<Layer<T>> layers;  ///< bottom up
  Var<T> penalty = {};      ///< (B) or rank 0: what a model adds to its loss beside the bound, a function of
                            ///< the layers' below(), which no objective weighs; or empty
  Group* group = nullptr;   ///< whose processes have the other rows; who called the model knows it

  /// log_likelihood − beta Σ divergence: (B) (Higgins et al. 2017); only beta = 1 bounds ln p(x). Throws, as
  /// does the next, unless all terms have one shape.
  Var<T> elbo(T beta = T(1)) const;

  /// log_likelihood + beta Σ (log_p − log_q): (B), without a closed form; with beta = 1 its exponential
  /// averages to p(x).
  Var<T> log_weight(T beta = T(1)) const;

  /// The mean of one of its terms over the rows of all processes, for what is no mean itself, as max(a,
  /// mean): gradients of all their losses meet in it.
  Var<T> batch_mean(Var<T> term) const;
};

/// A model that can be trained, evaluated and pictured: one function beside its fields.
template <class M, class T = float>
concept LatentModel = requires(const M& model, const Given<T>& given, const Noise<T>& noise,
                               Context context) {
  { model.pass(given, noise, context) } -> std::same_as<Pass<T>>;
};

/// A latent model that generates: draw(tape, t, rows, condition, noise) is a draw of z_t ... z_T from p,
/// (rows, L_t) each, and decode(z, condition, noise) is E[x] (rows, D) given z_t ... z_T, with the layers
/// below drawn from p; t counts from 1, and the condition may be empty.
template <class M, class T = float>
concept GenerativeModel = LatentModel<M, T> &&
    requires(const M& model, Tape<T>& tape, std::size_t n, Var<T> x, const Layers<Var<T>>& z,
             const Noise<T>& noise) {
  { model.draw(tape, n, n, x, noise) } -> std::same_as<Layers<Var<T>>>;
  { model.decode(z, x, noise) } -> std::same_as<Var<T>>;
};

}  // namespace strata
