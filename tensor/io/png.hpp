// Pictures.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "strata/tensor/tensor.hpp"

namespace strata {

/// Writes an 8-bit PNG file atomically: grey from (height, width), RGB from (height, width, 3); 0 is black.
/// Throws "[write_png] file: fact; hint": std::invalid_argument if the image has another shape or is empty,
/// std::runtime_error if it is too large for PNG or the file cannot be written.
void write_png(const std::filesystem::path& file, const Tensor<std::uint8_t>& image);

/// The bytes of that file. Throws in the same way, "[encode_png] picture: ...".
std::string encode_png(const Tensor<std::uint8_t>& image);

/// Reads a PNG file of up to 8 bits: grey (height, width), or RGB (height, width, 3), also from a palette;
/// what is transparent lies over black. Throws std::runtime_error "[read_png] file: fact; hint" for one of 16
/// bits, corrupt, cut short, or too small for the pixels that it announces.
Tensor<std::uint8_t> read_png(const std::filesystem::path& file);

}  // namespace strata
