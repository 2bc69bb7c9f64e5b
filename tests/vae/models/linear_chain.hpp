// The linear-Gaussian Markov chain: z_T ~ N(0, I), z_t = A_t z_{t+1} + a_t + noise, x = W z_1 + b + noise.
// Its posterior factorises as q(z_1 | x) Π q(z_t | z_{t−1}) with linear means and fixed full covariances, so
// that with exact factors every weight p(x, z) / q(z | x) is p(x).
#pragma once

#include "strata/tests/random_tensor.hpp"
#include "strata/vae/models/vae.hpp"

namespace strata::tests {

using Matrix = Tensor<double>;

Matrix dot(const Matrix& a, const Matrix& b);
Matrix transposed(const Matrix& a);

inline constexpr std::size_t chain_width = 6;  // D
inline constexpr double chain_noise = 0.4;     // the variance of x given z_1

// A chain with exact or diagonal posteriors, and what is known about it.
struct Chain {
  Vae<double> model;
  Matrix mean;        // of x: (1, D)
  Matrix covariance;  // of x: (D, D)
};

// `inflation` above 1 makes every posterior factor wider than the exact one, which bounds the weights.
Chain make_chain(std::size_t layers, PosteriorKind covariance, double inflation = 1);

// ln N(x; mean, covariance) of every row of x (N, D).
Matrix normal_log_likelihood(const Matrix& x, const Matrix& mean, const Matrix& covariance);

// ln p(x) of every row of x (N, D).
Matrix exact_log_likelihood(const Chain& chain, const Matrix& x);

// The part that both kinds of posterior share.
NormalHead<double>& diagonal(PosteriorHead<double>& posterior);

}  // namespace strata::tests
