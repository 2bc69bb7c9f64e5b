// From bytes of images to batches of training data.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "tensor/random.hpp"
#include "tensor/tensor.hpp"

namespace strata {

/// How a grey level p = byte / 255 becomes data: as it is, as [p > ½], or as a draw with P(x = 1) = p, new
/// each time (Burda et al. 2015). Only 0 and 1 give a log-likelihood.
enum class Binarize { none, threshold, dynamic };
/// By these names; throws for another.
Binarize parse_binarize(const std::string& name);
std::string to_string(Binarize binarize);

/// Images and what they show.
struct ImageSet {
  Tensor<std::uint8_t> images;  // (N, height, width)
  Tensor<std::uint8_t> labels;  // (N)
};

/// Throws "[operation] ..." unless there is at least one image, none is empty, and every one has a label.
void require_images(const char* operation, const ImageSet& set);

/// Writes the given images, rows of `images` (N, ...), into x: (rows, pixels of one image).
template <class T> void gather_batch(const Tensor<std::uint8_t>& images, std::span<const std::size_t> rows,
                                     Binarize binarize, Rng& rng, Tensor<T>& x);

/// Writes the labels of the given rows as unit vectors into c: (rows, classes). Throws for a label of
/// `classes` or more.
template <class T> void gather_one_hot(const Tensor<std::uint8_t>& labels, std::span<const std::size_t> rows,
                                       std::size_t classes, Tensor<T>& c);

/// The mean grey level in [0, 1] of every pixel: (pixels of one image).
Tensor<float> mean_image(const Tensor<std::uint8_t>& images);

}  // namespace strata
