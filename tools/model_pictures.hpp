// What a trained model has learnt, as pictures.
#pragma once

#include "tools/run_folder.hpp"
#include "vae/batches.hpp"

namespace strata::tools {

/// The tensors of some images: what a model of this configuration reads.
struct ModelInput {
  Tensor<float> x;          // (N, D)
  Tensor<float> condition;  // (N, 10), or of rank 0 where the model is not conditional
};

/// The first `count` images, binarised as the configuration says with a seed of its own.
ModelInput model_input(const ImageSet& set, std::size_t count, const RunConfig& config, std::uint64_t seed);

/// Test images above their reconstructions E[x | z_1], every z_t the mean of its posterior.
Tensor<std::uint8_t> picture_reconstructions(MarkovHvae<float>& model, const ModelInput& input);

/// E[x | z_1] for 100 ancestral draws from p; for a conditional model ten of each label, a row each.
Tensor<std::uint8_t> picture_samples(MarkovHvae<float>& model, const RunConfig& config, std::uint64_t seed);

/// What the layers below z_t decide: in each of eight rows z_T ... z_t of one ancestral draw are kept, and
/// those below are drawn anew in each of ten columns. t counts from 1.
Tensor<std::uint8_t> picture_layer(MarkovHvae<float>& model, const RunConfig& config, std::size_t t,
                                   std::uint64_t seed);

/// From one test image's posterior mean of z_1 to another's in ten equal steps, a row for each of eight
/// pairs.
Tensor<std::uint8_t> picture_interpolations(MarkovHvae<float>& model, const ModelInput& input);

/// Where the manifold's z lie: at equal steps of the prior's probability, or of z itself from −2 to 2.
enum class ManifoldGrid { quantiles, linear };

/// Whether there is a manifold to show: a VAE of two latents without labels.
bool has_manifold(const RunConfig& config);

/// E[x | z] on a 20 × 20 grid of a two-dimensional z, its first component growing to the right, its second
/// upwards.
Tensor<std::uint8_t> picture_manifold(MarkovHvae<float>& model, ManifoldGrid grid);

/// The posterior means of the top layer for all images, coloured by label; of more than two units, the two
/// whose means vary most.
Tensor<std::uint8_t> picture_latents(MarkovHvae<float>& model, const ImageSet& set, const ModelInput& input);

}  // namespace strata::tools
