// What a trained VAE has learnt, as pictures.
#pragma once

#include "tools/mnist.hpp"
#include "vae/batches.hpp"
#include "vae/vae.hpp"

namespace strata::tools {

/// Test images above their reconstructions E[x | z], z the posterior's mean.
Tensor<std::uint8_t> picture_reconstructions(Vae<float>& vae, const Tensor<std::uint8_t>& images,
                                             Binarize binarize, std::uint64_t seed);

/// E[x | z] for 100 draws z from the prior.
Tensor<std::uint8_t> picture_samples(Vae<float>& vae, std::uint64_t seed);

/// Where the manifold's z lie: at equal steps of the prior's probability, or of z itself from −2 to 2.
enum class ManifoldGrid { quantiles, linear };

/// E[x | z] on a 20 × 20 grid of a two-dimensional z, z₁ growing to the right and z₂ upwards. Throws for
/// other latents.
Tensor<std::uint8_t> picture_manifold(Vae<float>& vae, ManifoldGrid grid);

/// The posterior means of all images, coloured by label; of more than two latents, the two whose means vary
/// most.
Tensor<std::uint8_t> picture_latents(Vae<float>& vae, const ImageSet& images, Binarize binarize,
                                     std::uint64_t seed);

}  // namespace strata::tools
