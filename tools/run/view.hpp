// What a run's model sees of images.
#pragma once

#include "strata/tools/data/image_data.hpp"
#include "strata/tools/run/run_folder.hpp"

namespace strata::tools {

/// The data as the model of a run sees them: as the means of q(z_1 | x) of another run, or draws (one of each
/// image that is no training image, whose mean m2 reads instead, as it is to tell its class), or with some
/// quadrants as the condition of the others. Throws for images that have no quadrants.
void view(ImageData& data, const RunConfig& config);

/// E[z_1 | x] of some of the data, grey as they are, or with an `rng` a draw of q(z_1 | x) of each, binarised
/// as in the run's training: (rows, L_1). Throws for a model without latents, and for
/// one that reads labels or quadrants.
Tensor<float> features(const Run& run, const Dataset& data, std::span<const std::size_t> rows,
                       Rng* rng = nullptr);

/// Whether what the model sees is an image, of which pictures can be made.
bool is_image(const Dataset& data);

}  // namespace strata::tools
