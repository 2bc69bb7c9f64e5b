// The data set that the programs train on: MNIST, or one with the same files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "strata/tools/data/download.hpp"
#include "strata/vae/batches.hpp"

namespace strata::tools {

/// A data set and where it came from: images (N, 28, 28), 0 the background, and labels 0 ... 9, in file
/// order; without labels, no classes.
struct Mnist {
  std::string name;  // "MNIST" or "Fashion-MNIST" by the content's checksum, else the folder's name
  std::filesystem::path folder;
  std::string checksum = {};  // of the four files' content
  Dataset train;
  Dataset test;
};

/// Where load_mnist looks.
struct MnistOptions {
  std::optional<std::filesystem::path> data = {};  // this folder and no other (--data)
  bool download = true;                            // whether MNIST may be fetched into data/mnist
  DownloadOptions source = {};                     // its log also tells what is taken for what
  std::filesystem::path fashion = "/usr/share/datasets/fashion-mnist";  // Debian's dataset-fashion-mnist
};

/// Loads the four files, each plain or .gz, with "-idx" or ".idx" in its name, from the first of:
/// `options.data`; the folder that the environment variable STRATA_MNIST_DIR names; data/mnist below the
/// working folder; a download into data/mnist; the Fashion-MNIST folder. The first two are never passed over:
/// a missing file there is an error, but for labels. Bytes that are all 0 or 1 become 0 or 255. Throws
/// std::runtime_error "[load_mnist] file: fact; hint" also where a file's content is wrong.
Mnist load_mnist(const MnistOptions& options = {});

/// "MNIST from data/mnist: 60,000 training and 10,000 test images"
std::string describe(const Mnist& mnist);

}  // namespace strata::tools
