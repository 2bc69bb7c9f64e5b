// Batch normalisation.
#pragma once

#include "strata/nn/fields.hpp"

namespace strata {

/// gamma ⊙ (x − μ) / √(σ² + ε) + beta (Ioffe and Szegedy 2015). In training μ and σ² (biased) are the batch's
/// own, and exponential moving averages of them, m ← decay m + (1 − decay) μ, are kept for inference. That is
/// as in Keras, whose momentum is this decay (0.99) and whose ε is 1e-3 too; PyTorch's momentum is 1 − decay
/// (0.1), its ε 1e-5, and its running variance the unbiased one, B / (B − 1) as much.
template <class T> struct BatchNorm {
  Parameter<T> gamma;                  // (D)
  Parameter<T> beta;                   // (D)
  mutable Buffer<T> running_mean;      // (D)
  mutable Buffer<T> running_variance;  // (D)
  T decay = T(0.9);
  T epsilon = T(1e-3);

  explicit BatchNorm(std::size_t width);

  /// x (B, D): (B, D). Throws for another width. Training moves the running averages, except where the tape
  /// holds the model constant (`Record::inputs`); it throws for B = 1, whose variance is 0.
  Var<T> operator()(Var<T> x, Context context = {}) const;

  static void fields(auto& self, auto&& visit) {
    visit("gamma", self.gamma);
    visit("beta", self.beta);
    visit("running_mean", self.running_mean);
    visit("running_variance", self.running_variance);
  }
};

}  // namespace strata
