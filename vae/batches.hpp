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
Binarize parse_binarize(const std::string& name);
std::string to_string(Binarize binarize);

/// Writes the given images, rows of `images` (N, ...), into x: (rows, pixels of one image).
template <class T> void gather_batch(const Tensor<std::uint8_t>& images, std::span<const std::size_t> rows,
                                     Binarize binarize, Rng& rng, Tensor<T>& x);

}  // namespace strata
