// The images that the programs work on, whatever form they come in.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "strata/vae/batches.hpp"

namespace strata::tools {

/// A data set and where it came from: grey images (N, height, width), 0 the background, all of one size.
struct ImageData {
  std::string name;  // "MNIST" or "Fashion-MNIST" by its checksum, else that of the folder or file
  std::filesystem::path path;
  std::string checksum;             // of all images and labels, in whatever form they came
  std::vector<std::string> labels;  // the names of the classes, in order; empty without labels
  Dataset train;
  Dataset test;
  std::optional<Dataset> validation = {};  // the last training images, where some are held out
  std::string notes = {};                  // what was taken for what, a line each
};

/// Reads a folder of IDX files or of PNG files, or a NumPy file (see forms.hpp). Colours become grey; bytes
/// that are all 0 or 1 become 0 or 255; flat images (N, D) are taken as squares, or as rows; labels of any
/// base are numbered in order; without a test set, or with one of images of another size, one image in ten is
/// held out for it. All this is in the notes. Throws std::runtime_error "[data] path: fact; hint", or that of
/// a format's reader, for anything else.
ImageData load_data(const std::filesystem::path& path);

/// Takes the last `count` of the training images for validation. Throws unless some are left.
void hold_out_validation(ImageData& data, std::size_t count);

/// "MNIST from data/mnist: 60,000 training and 10,000 test images of 28 x 28, 10 labels (0 to 9)"
std::string describe(const ImageData& data);

}  // namespace strata::tools
