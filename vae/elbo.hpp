// The evidence lower bound, term by term.
#pragma once

#include "autograd/arithmetic.hpp"
#include "autograd/tape.hpp"

namespace strata {

/// ln p(x) ≥ reconstruction − kl, one number for each row, in nats.
template <class T> struct Elbo {
  Var<T> reconstruction;  // E_q ln p(x | z), by one sample: (B)
  Var<T> kl;              // KL(q(z | x) ‖ p(z)): (B)

  /// reconstruction − beta kl (Higgins et al. 2017); only beta = 1 bounds ln p(x). (B)
  Var<T> total(T beta = T(1)) const {
    return beta == T(1) ? reconstruction - kl : reconstruction - beta * kl;
  }
};

}  // namespace strata
