// Where the programs look for their data.
#pragma once

#include <filesystem>
#include <optional>

#include "strata/tools/data/download.hpp"
#include "strata/tools/data/image_data.hpp"

namespace strata::tools {

struct DataSearch {
  std::optional<std::filesystem::path> data = {};  // this folder or file and no other (--data)
  bool download = true;                            // whether MNIST may be fetched into data/mnist
  DownloadOptions source = {};                     // its log also tells what stands in
  std::filesystem::path fashion = "/usr/share/datasets/fashion-mnist";  // Debian's dataset-fashion-mnist
};

/// Loads the first of: `search.data`; what the environment variable STRATA_MNIST_DIR names; data/mnist below
/// the working folder; a download into data/mnist; the Fashion-MNIST folder. The first two are never passed
/// over. Throws std::runtime_error "[data] path: fact; hint" also where what is there is wrong.
ImageData find_data(const DataSearch& search = {});

}  // namespace strata::tools
