// What a run's model sees of images.
#pragma once

#include "strata/tools/data/image_data.hpp"
#include "strata/tools/run/run_config.hpp"

namespace strata::tools {

/// The data as the model of a run sees them: as the means of q(z_1 | x) of another run, or with some
/// quadrants as the condition of the others. Throws for images that have no quadrants.
void view(ImageData& data, const RunConfig& config);

/// Whether what the model sees is an image, of which pictures can be made.
bool is_image(const Dataset& data);

}  // namespace strata::tools
