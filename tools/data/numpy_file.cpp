#include <algorithm>
#include <cctype>
#include <ostream>

#include "strata/tensor/io/numpy.hpp"
#include "strata/tools/data/forms.hpp"

namespace strata::tools {
namespace {

namespace fs = std::filesystem;

using Names = std::vector<std::string>;

// What arrays are called, in small letters and without signs between.
const Names train_images = {"xtrain", "trainimages", "trainx", "imagestrain", "images", "imgs", "x", "data"},
            train_labels = {"ytrain",  "trainlabels", "trainy", "labelstrain", "labels", "label",
                            "targets", "target",      "y"},
            test_images = {"xtest", "testimages", "testx", "imagestest"},
            test_labels = {"ytest", "testlabels", "testy", "labelstest"};

// "x_train.npy" as "xtrain".
std::string plain(std::string member) {
  if (member.ends_with(".npy")) member.resize(member.size() - 4);
  std::erase_if(member, [](unsigned char c) { return std::isalnum(c) == 0; });
  std::transform(member.begin(), member.end(), member.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return member;
}

std::string list(const Names& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

Part images_of(const fs::path& source, const NumpyArray& array) {
  if (array.floating()) return {source, array.get<float>()};
  return {source, array.get<std::uint8_t>()};
}

Names labels_of(const fs::path& source, const NumpyArray& array) {
  const Shape& shape = array.shape();
  if (shape.empty() || element_count(shape) != shape[0])
    fail_file("data", source,
              "labels have shape " + to_string(shape) + ", expected (N), a number for each image");
  Names labels;
  for (const std::int64_t label : array.get<std::int64_t>()) labels.push_back(std::to_string(label));
  return labels;
}

class Archive {
 public:
  explicit Archive(const fs::path& file) : file_(file), archive_(file), unused_(archive_.names()) {}

  // The first member of these names is used from now on; "" if there is none.
  std::string take(const Names& names) {
    for (const std::string& name : names)
      for (const std::string& member : unused_)
        if (plain(member) == name) return take(member);
    return "";
  }
  std::string take(std::string member) {
    std::erase(unused_, member);
    return member;
  }

  std::optional<Part> read(const std::string& images, const std::string& labels) const {
    if (images.empty()) return {};
    Part part = images_of(source(images), array(images));
    if (!labels.empty()) part.labels = labels_of(source(labels), array(labels));
    return part;
  }

  const Names& unused() const { return unused_; }

 private:
  fs::path source(const std::string& member) const { return file_.string() + ": " + member; }
  NumpyArray array(const std::string& member) const { return NumpyArray::read(file_, archive_, member); }

  fs::path file_;
  ZipArchive archive_;
  Names unused_;
};

Parts read_archive(const fs::path& file, std::ostream& notes) {
  Archive archive(file);
  std::string images = archive.take(train_images);
  if (images.empty() && archive.unused().size() == 1) images = archive.take(archive.unused()[0]);
  if (images.empty())
    fail_file("data", file,
              "has no array called images or x_train, but " +
                  (archive.unused().empty() ? "none" : list(archive.unused())) +
                  "; name that of the images so (numpy.savez)");
  const std::string labels = archive.take(train_labels), other_images = archive.take(test_images),
                    other_labels = archive.take(test_labels);
  if (!archive.unused().empty())
    notes << printable(file.string() + ": " + list(archive.unused())) << ": not used\n";
  Parts parts{*archive.read(images, labels)};
  parts.test = archive.read(other_images, other_labels);
  return parts;
}

}  // namespace

Parts read_numpy_file(const fs::path& file, std::ostream& notes) {
  if (InputFile input(file, "data"); input.size() >= 4 && input.read(4) == "PK\3\4")
    return read_archive(file, notes);
  return {images_of(file, NumpyArray::read(file)), {}};
}

}  // namespace strata::tools
