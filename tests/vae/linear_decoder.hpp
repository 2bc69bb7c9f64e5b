// Decoders p(x | z) = N(z W + b, σ² I), under which ln p(x) and the posterior are known.
#pragma once

#include <xtensor-blas/xlinalg.hpp>

#include "strata/tests/random_tensor.hpp"
#include "strata/vae/heads.hpp"

namespace strata::tests {

/// A linear decoder of `columns` outputs whose W (L, D) has orthogonal rows of these lengths: the posterior
/// N(Λ⁻¹ W (x − b) / σ², Λ⁻¹), Λ = I + W Wᵀ / σ², is then diagonal.
inline HomoscedasticHead<double> orthogonal_decoder(const Tensor<double>& lengths, std::size_t columns,
                                                    double variance) {
  Rng rng{1};
  const std::size_t latent = lengths.size();
  HomoscedasticHead<double> decoder(latent, {}, columns, {}, rng, Variance::fixed, variance);
  const Tensor<double> orthonormal = std::get<0>(xt::linalg::qr(normals({columns, latent}, 2)));
  decoder.output.weight.write() = xt::transpose(orthonormal * lengths);
  decoder.output.bias.write() = normals({columns}, 3);
  return decoder;
}

/// The diagonal of Λ: the precisions of the posterior of every z_i.
inline Tensor<double> posterior_precision(const HomoscedasticHead<double>& decoder, double variance) {
  const Tensor<double>& w = decoder.output.weight.value();
  return 1.0 + xt::sum(w * w, {1}) / variance;
}

}  // namespace strata::tests
