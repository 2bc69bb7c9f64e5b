#include "strata/tools/data/mnist.hpp"

#include <algorithm>
#include <array>
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
// Own images may come without labels.
std::string missing_from(const fs::path& folder, bool with_labels) {
  std::error_code ignored;  // a folder that cannot be read is none
  if (!fs::is_directory(folder, ignored)) return "no such folder";
  std::string names;
  for (const RemoteFile& file : mnist_files())
    if ((with_labels || file.name.find("labels") == std::string::npos) &&
        !find_plain_or_gzip(folder, file.name))
      names += (names.empty() ? "" : ", ") + file.name;
  return names.empty() ? "" : "lacks " + names + " (plain or .gz)";
}

struct File {
  fs::path path;
  std::string sha256;  // of the uncompressed content
  Tensor<std::uint8_t> values;
};

File read(const fs::path& path) {
  const auto content = read_idx_content(path);
  return {path, sha256(content), parse_idx(content, path.string())};
}

void check(const File& images) {
  const auto& shape = images.values.shape();
  if (shape.size() != 3 || shape[1] != image_side || shape[2] != image_side)
    fail_file(operation, images.path,
              "images have shape " + to_string(shape) + ", expected (N, 28, 28); is this the right file?");
  if (shape[0] == 0) fail_file(operation, images.path, "0 images; at least one is needed");
}

void check(const File& labels, const File& images) {
  const auto& shape = labels.values.shape();
  if (shape.size() != 1)
    fail_file(operation, labels.path,
              "labels have shape " + to_string(shape) + ", expected (N); is this the right file?");
  if (shape[0] != images.values.shape(0))
    fail_file(operation, labels.path,
              std::to_string(shape[0]) + " labels for the " + std::to_string(images.values.shape(0)) +
                  " images of " + images.path.filename().string() + "; both files must be of the same set");
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
  return printable(fs::canonical(folder).filename().string());
}

Mnist load_folder(const fs::path& folder, std::ostream* log) {
  const std::vector<RemoteFile> files = mnist_files();
  std::array<std::optional<File>, 2> labels;
  for (const std::size_t set : {0, 1})  // first, since they are small
    if (const auto path = find_plain_or_gzip(folder, files[2 * set + 1].name)) labels[set] = read(*path);
  Mnist mnist{.name = {}, .folder = folder, .checksum = {}, .train = {}, .test = {}};
  std::vector<std::string> checksums;
  std::array<Tensor<std::uint8_t>, 2> images;
  for (const std::size_t set : {0, 1}) {
    File pictures = read(find_plain_or_gzip(folder, files[2 * set].name).value());
    check(pictures);
    checksums.push_back(pictures.sha256);
    Dataset& data = set == 0 ? mnist.train : mnist.test;
    data.classes = labels[set] ? classes : 0;
    if (labels[set]) {
      check(*labels[set], pictures);
      checksums.push_back(labels[set]->sha256);
      data.labels = std::move(labels[set]->values);
    }
    images[set] = std::move(pictures.values);
  }
  for (const std::size_t set : {0, 1}) {
    if (xt::amax(images[set])() != 1) continue;
    images[set] *= std::uint8_t{255};
    if (log)
      *log << printable(folder.string()) << ": no byte of " << files[2 * set].name
           << " is above 1; 0 is taken as black and 1 as white" << std::endl;
  }
  mnist.train.examples = std::move(images[0]);
  mnist.test.examples = std::move(images[1]);
  mnist.name = recognise(checksums, folder);
  for (const std::string& checksum : checksums) mnist.checksum += checksum;
  return mnist;
}

// The folder that the user named: nothing else stands in for it.
Mnist load_named(const fs::path& folder, const std::string& named_by, std::ostream* log) {
  if (const std::string missing = missing_from(folder, false); !missing.empty())
    fail_file(operation, folder,
              missing + "; " + named_by + " must name a folder with MNIST's four IDX files");
  return load_folder(folder, log);
}

// Downloads what the folder lacks, if that is allowed; why the folder is still no data set, or nothing.
std::string obtain(const fs::path& folder, const MnistOptions& options) {
  const std::string missing = missing_from(folder, true);
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
  std::ostream* log = options.source.log;
  if (options.data) return load_named(*options.data, "--data", log);
  if (const char* folder = std::getenv("STRATA_MNIST_DIR"); folder != nullptr && *folder != '\0')
    return load_named(folder, "STRATA_MNIST_DIR", log);

  const fs::path own = fs::path("data") / "mnist";
  const std::string reason = obtain(own, options);
  if (reason.empty()) return load_folder(own, log);
  if (const std::string nothing = missing_from(options.fashion, true); !nothing.empty())
    fail_file(operation, own,
              reason + "; nor is Fashion-MNIST there (" + options.fashion.string() + ": " + nothing +
                  "); name a folder with MNIST's four IDX files by --data or STRATA_MNIST_DIR, allow the "
                  "download, or install Debian's package dataset-fashion-mnist");
  if (log) *log << own.string() << ": " << reason << "\nFashion-MNIST stands in" << std::endl;
  return load_folder(options.fashion, log);
}

std::string describe(const Mnist& mnist) {
  return mnist.name + " from " + printable(mnist.folder.string()) + ": " +
         with_separators(mnist.train.size()) + " training and " + with_separators(mnist.test.size()) +
         " test images";
}

}  // namespace strata::tools
