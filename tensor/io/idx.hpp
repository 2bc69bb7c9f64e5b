// The IDX format, in which MNIST and its relatives come: a big-endian header of magic number and sizes, then
// the elements.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "strata/tensor/tensor.hpp"

namespace strata {

/// Reads an IDX file of unsigned bytes and rank 1 to 4, plain or gzip-compressed: labels (N), images
/// (N, height, width). Throws std::runtime_error "[read_idx] file: fact; hint".
Tensor<std::uint8_t> read_idx(const std::filesystem::path& file);

/// The same from a file's uncompressed content; `name` stands for the file in errors.
Tensor<std::uint8_t> parse_idx(std::span<const unsigned char> content, const std::string& name);

/// The content of an IDX file, uncompressed if it is a gzip file: at most a byte more than its header
/// announces, which parse_idx then refuses. Throws like read_idx if the header is none, or the file is
/// corrupt, cut short or too small for what its header announces.
std::vector<unsigned char> read_idx_content(const std::filesystem::path& file);

/// The whole content of any file, uncompressed if it is a gzip file. Throws like read_idx if that is over
/// `limit` bytes, or the file is corrupt or cut short.
std::vector<unsigned char> read_maybe_gzip(const std::filesystem::path& file, std::size_t limit);

}  // namespace strata
