// The forms in which data come, each read as it is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "strata/tensor/tensor.hpp"

namespace strata::tools {

/// Images as their files hold them, with the names of what each shows, where those are known.
struct Part {
  std::filesystem::path source;                              // what errors name
  std::variant<Tensor<std::uint8_t>, Tensor<float>> images;  // (N, ...): bytes, or grey levels in [0, 1]
  std::optional<std::vector<std::string>> labels = {};       // (N)
};

/// The images to train on and, where the data are divided, those to test on.
struct Parts {
  Part train;
  std::optional<Part> test = {};
};

/// From a folder of IDX files, plain or .gz, under any of their usual names: "train-images-idx3-ubyte" and
/// its like, with a dot or an underscore for a hyphen, anything before ("emnist-letters-train-images-..."),
/// and "test" for "t10k". Nothing if the folder has none. Throws "[data] ...", naming what is there under a
/// near name, where there are some and not all that belong together.
std::optional<Parts> read_idx_folder(const std::filesystem::path& folder);

/// From a folder of PNG files: alone, or in folders that are their labels; or so in folders train and test.
/// Colours become grey (BT.601), which is noted. Labels are spread evenly over the order of the images.
/// Nothing if there are none. Throws "[data] ..." for images of several sizes, or some with labels and some
/// without.
std::optional<Parts> read_png_folder(const std::filesystem::path& folder, std::ostream& notes);

/// From a .npy file of images, or a .npz file with arrays such as images, labels; x_train, y_train, x_test,
/// y_test. Throws "[data] ...", naming the arrays, if none of them is known for images.
Parts read_numpy_file(const std::filesystem::path& file, std::ostream& notes);

}  // namespace strata::tools
