// Where the tests of data put their files.
#pragma once

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "strata/tensor/io/png.hpp"
#include "strata/tests/temporary_folder.hpp"
#include "strata/tests/tools/data/idx_files.hpp"
#include "strata/tools/data/image_data.hpp"

namespace strata::tools {

inline std::string idx(const std::vector<unsigned>& shape, int first, int step = 0) {
  std::string elements(std::accumulate(shape.begin(), shape.end(), 1u, std::multiplies<>()), '\0');
  for (std::size_t i = 0; i < elements.size(); ++i)
    elements[i] = static_cast<char>(first + step * static_cast<int>(i));
  return idx_bytes(shape, elements);
}

inline const Tensor<std::uint8_t>& images_of(const Dataset& data) {
  return std::get<Tensor<std::uint8_t>>(data.examples);
}

/// A folder whose files are images, and what is said of them.
class Place {
 public:
  std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }
  std::filesystem::path write(const std::string& name, const std::string& bytes) const {
    std::filesystem::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return folder_ / name;
  }
  void png(const std::string& name, const Shape& shape, std::uint8_t value) const {
    std::filesystem::create_directories((folder_ / name).parent_path());
    write_png(folder_ / name, Tensor<std::uint8_t>(shape, value));
  }
  // Four IDX files of 3 + 2 images of 2 × 3 pixels.
  void write_set(const std::string& folder, int label = 7) const {
    write(folder + "/train-images-idx3-ubyte", idx({3, 2, 3}, 20, 10));
    write(folder + "/train-labels-idx1-ubyte", idx({3}, label, 1));
    write(folder + "/t10k-images-idx3-ubyte", idx({2, 2, 3}, 100));
    write(folder + "/t10k-labels-idx1-ubyte", idx({2}, label, 1));
  }
  ImageData load(const std::string& name) {
    ImageData data = load_data(folder_ / name);
    said_ = data.notes;
    return data;
  }
  std::string failure(const std::string& name) {
    try {
      load(name);
    } catch (const std::runtime_error& error) {
      const std::string message = error.what();
      CHECK_THAT(message, !Catch::Contains("\n"));
      CHECK_THAT(message, Catch::Contains((folder_ / name).string()));
      return message;
    }
    FAIL("the data load");
    return "";
  }
  const std::string& said() const { return said_; }

 private:
  TemporaryFolder folder_;
  std::string said_;  // of the last data
};

}  // namespace strata::tools
