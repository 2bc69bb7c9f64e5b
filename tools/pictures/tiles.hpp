// Pictures of what a model has learnt, for write_png: grey (height, width) or RGB (height, width, 3).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "strata/tensor/tensor.hpp"

namespace strata::tools {

/// The zoom with which the longer side of images (..., h, w) takes about so many pixels of a picture, but no
/// fewer than the image has.
std::size_t zoom_to(std::size_t pixels, const Shape& images);

/// How images are laid out in a grid.
struct TileOptions {
  std::optional<std::size_t> zoom = {};  ///< pixels of the picture for one of an image; else zoom_to(56)
  std::size_t gap = 2;                   ///< pixels between images, and around them
  std::size_t pair_gap = 8;              ///< pixels between a reconstruction and the original below it
  std::uint8_t gap_grey = 72;            // also where the last row has no more images
};

/// A grey picture of the images (N, h, w), row by row in a grid of so many columns (of N, if that is less).
/// Values are clipped to [0, 1], 1 is white, NaN is black.
/// Throws std::invalid_argument if there is no image or no pixel, or if columns or zoom is 0.
Tensor<std::uint8_t> tile(const Tensor<float>& images, std::size_t columns, const TileOptions& options = {});

/// The same for pairs: each row of originals has its reconstructions directly below it. Both are (N, h, w).
/// Throws also if the shapes differ.
Tensor<std::uint8_t> reconstructions(const Tensor<float>& originals, const Tensor<float>& reconstructed,
                                     std::size_t columns, const TileOptions& options = {});

/// What stands around a picture.
struct Frame {
  std::string title = {};                            ///< above, in as many lines as it takes
  std::string x = {}, y = {};                        ///< what grows to the right (below), and upwards (above)
  std::vector<std::string> columns = {}, rows = {};  ///< of each column below, where there is room, and row
};

/// A picture, grey (h, w) or RGB (h, w, 3), in a white frame with these words: RGB. Letters are printable
/// ASCII, others are '?'.
Tensor<std::uint8_t> framed(const Tensor<std::uint8_t>& picture, const Frame& frame);

/// The size of a scatter plot in pixels, what its axes are, and the names of its classes.
struct ScatterOptions {
  std::size_t width = 900;   ///< at least 400
  std::size_t height = 800;  ///< at least 300
  std::string x = {}, y = {};
  std::vector<std::string> labels = {};  ///< of classes 0, 1, ...; those without one have their number
};

/// An RGB picture of points (N, 2), x to the right and y upwards in the same scale, coloured by their labels
/// (N); the legend has the name of each class, cut where it is long, and from `examples` (C, h, w) an image
/// in [0, 1]. Ten colours are apart; more
/// classes have them again, lighter and darker, and the legend has the first 40. The axes show 99.6 % of the
/// points in each direction at least; points beyond, or with a coordinate that is not finite, are left out.
/// Points lie over each other in an order that favours no class. Throws std::invalid_argument for other
/// shapes, a label of C or above, or a picture that is too small.
Tensor<std::uint8_t> scatter(const Tensor<float>& points, const Tensor<std::uint32_t>& labels,
                             const Tensor<float>& examples, const ScatterOptions& options = {});

}  // namespace strata::tools
