#include "strata/tools/data/mnist.hpp"

#include <algorithm>
#include <cstdlib>
#include <ostream>
#include <stdexcept>
#include <utility>
#include <vector>

#include "strata/nn/summary.hpp"
#include "strata/tensor/io/file.hpp"
#include "strata/tensor/io/idx.hpp"

namespace strata::tools {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t image_side = 28;
constexpr std::size_t classes = 10;

constexpr const char* operation = "load_mnist";

// What keeps the folder from being a data set: "no such folder" or the missing files; empty if nothing does.
std::string missing_from(const fs::path& folder) {
  std::error_code ignored;  // a folder that cannot be read is none
  if (!fs::is_directory(folder, ignored)) return "no such folder";
  std::string names;
  for (const RemoteFile& file : mnist_files())
    if (!find_plain_or_gzip(folder, file.name)) names += (names.empty() ? "" : ", ") + file.name;
  return names.empty() ? "" : "lacks " + names + " (plain or .gz)";
}

struct File {
  fs::path path;
  std::string sha256;  // of the uncompressed content
  Tensor<std::uint8_t> values;
};

File read(const fs::path& folder, const std::string& name) {
  const fs::path path = find_plain_or_gzip(folder, name).value();
  const auto content = read_maybe_gzip(path);
  return {path, sha256(content), parse_idx(content, path.string())};
}

void check(const File& images, const File& labels) {
  const auto& image_shape = images.values.shape();
  const auto& label_shape = labels.values.shape();
  if (image_shape.size() != 3 || image_shape[1] != image_side || image_shape[2] != image_side)
    fail_file(
        operation, images.path,
        "images have shape " + to_string(image_shape) + ", expected (N, 28, 28); is this the right file?");
  if (label_shape.size() != 1)
    fail_file(operation, labels.path,
              "labels have shape " + to_string(label_shape) + ", expected (N); is this the right file?");
  if (image_shape[0] != label_shape[0])
    fail_file(operation, labels.path,
              std::to_string(label_shape[0]) + " labels for the " + std::to_string(image_shape[0]) +
                  " images of " + images.path.filename().string() + "; both files must be of the same set");
  if (label_shape[0] == 0) fail_file(operation, images.path, "0 images and 0 labels; at least one is needed");
  const auto wrong = std::find_if(labels.values.begin(), labels.values.end(),
                                  [](std::uint8_t label) { return label >= classes; });
  if (wrong != labels.values.end())
    fail_file(operation, labels.path,
              "label " + std::to_string(*wrong) + " at position " +
                  std::to_string(wrong - labels.values.begin()) + "; labels are 0 ... 9");
}

// The data set with these SHA-256, of the files in the order of mnist_files(); else the folder's name.
std::string recognise(const std::vector<std::string>& checksums, const fs::path& folder) {
  std::vector<std::string> mnist;
  for (const RemoteFile& file : mnist_files()) mnist.push_back(file.sha256);
  if (checksums == mnist) return "MNIST";
  if (checksums ==
      std::vector<std::string>{"c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                               "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                               "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                               "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"})
    return "Fashion-MNIST";
  return fs::canonical(folder).filename().string();
}

Mnist load_folder(const fs::path& folder) {
  const std::vector<RemoteFile> files = mnist_files();
  Mnist mnist{.name = {}, .folder = folder, .checksum = {}, .train = {}, .test = {}};
  std::vector<std::string> checksums;
  for (const std::size_t set : {0, 1}) {
    File images = read(folder, files[2 * set].name);
    File labels = read(folder, files[2 * set + 1].name);
    check(images, labels);
    checksums.push_back(images.sha256);
    checksums.push_back(labels.sha256);
    (set == 0 ? mnist.train : mnist.test) = {std::move(images.values), std::move(labels.values), classes};
  }
  mnist.name = recognise(checksums, folder);
  for (const std::string& checksum : checksums) mnist.checksum += checksum;
  return mnist;
}

// The folder that the user named: nothing else stands in for it.
Mnist load_named(const fs::path& folder, const std::string& named_by) {
  if (const std::string missing = missing_from(folder); !missing.empty())
    fail_file(operation, folder,
              missing + "; " + named_by + " must name a folder with MNIST's four IDX files");
  return load_folder(folder);
}

// Downloads what the folder lacks, if that is allowed; why the folder is still no data set, or nothing.
std::string obtain(const fs::path& folder, const MnistOptions& options) {
  const std::string missing = missing_from(folder);
  if (missing.empty()) return "";
  if (!options.download) return missing + ", and downloading is off";
  try {
    download_mnist(folder, options.source);
    return "";
  } catch (const Unavailable& error) {
    return missing + ", and the download failed: " + error.what();
  }
}

}  // namespace

Mnist load_mnist(const MnistOptions& options) {
  if (options.data) return load_named(*options.data, "--data");
  if (const char* folder = std::getenv("STRATA_MNIST_DIR"); folder != nullptr && *folder != '\0')
    return load_named(folder, "STRATA_MNIST_DIR");

  const fs::path own = fs::path("data") / "mnist";
  const std::string reason = obtain(own, options);
  if (reason.empty()) return load_folder(own);
  if (const std::string nothing = missing_from(options.fashion); !nothing.empty())
    fail_file(operation, own,
              reason + "; nor is Fashion-MNIST there (" + options.fashion.string() + ": " + nothing +
                  "); name a folder with MNIST's four IDX files by --data or STRATA_MNIST_DIR, allow the "
                  "download, or install Debian's package dataset-fashion-mnist");
  if (options.source.log)
    *options.source.log << own.string() << ": " << reason << "\nFashion-MNIST stands in" << std::endl;
  return load_folder(options.fashion);
}

std::string describe(const Mnist& mnist) {
  return mnist.name + " from " + mnist.folder.string() + ": " + with_separators(mnist.train.size()) +
         " training and " + with_separators(mnist.test.size()) + " test images";
}

}  // namespace strata::tools
