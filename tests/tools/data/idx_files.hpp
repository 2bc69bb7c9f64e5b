// Data sets of a few images, as the files that MNIST comes in.
#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace strata::tools {

/// An IDX file of unsigned bytes with this shape in its header.
inline std::string idx_bytes(const std::vector<unsigned>& shape, const std::string& elements) {
  std::string bytes{'\0', '\0', '\x08', static_cast<char>(shape.size())};
  for (const unsigned n : shape)
    for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(n >> shift & 255);
  return bytes + elements;
}

/// Writes images of two kinds, their left or their right half bright, and their labels 0 ... 9 in turn; `set`
/// is "train" or "t10k".
inline void write_images(const std::filesystem::path& folder, const std::string& set, unsigned count) {
  std::string pixels, labels;
  for (unsigned i = 0; i < count; ++i) {
    labels += static_cast<char>(i % 10);
    for (unsigned p = 0; p < 784; ++p) pixels += static_cast<char>(p % 28 / 14 == i % 2 ? 230 : 10);
  }
  std::ofstream(folder / (set + "-images-idx3-ubyte"), std::ios::binary)
      << idx_bytes({count, 28, 28}, pixels);
  std::ofstream(folder / (set + "-labels-idx1-ubyte"), std::ios::binary) << idx_bytes({count}, labels);
}

}  // namespace strata::tools
