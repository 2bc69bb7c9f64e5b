#include <algorithm>
#include <array>
#include <cctype>

#include "strata/tensor/io/file.hpp"
#include "strata/tensor/io/idx.hpp"
#include "strata/tools/data/forms.hpp"
#include "strata/tools/data/nearest.hpp"

namespace strata::tools {
namespace {

namespace fs = std::filesystem;

// A file that a data set consists of, by its usual names.
struct Role {
  const char* name;
  const char* other_name;
  std::array<const char*, 2> sets, kinds;  // one of each stands in a near name, too
};
constexpr std::array<const char*, 2> train = {"train", "train"}, test = {"t10k", "test"},
                                     images = {"image", "img"}, labels = {"label", "lbl"};
constexpr Role train_images{"train-images-idx3-ubyte", "train-images-idx3-ubyte", train, images},
    train_labels{"train-labels-idx1-ubyte", "train-labels-idx1-ubyte", train, labels},
    test_images{"t10k-images-idx3-ubyte", "test-images-idx3-ubyte", test, images},
    test_labels{"t10k-labels-idx1-ubyte", "test-labels-idx1-ubyte", test, labels};

// In small letters, with a hyphen for every other sign, and without .gz.
std::string normal(const fs::path& file) {
  std::string name = (file.extension() == ".gz" ? file.stem() : file.filename()).string();
  for (char& c : name)
    c = std::isalnum(static_cast<unsigned char>(c)) != 0
            ? static_cast<char>(std::tolower(static_cast<unsigned char>(c)))
            : '-';
  return name;
}

bool plays(const Role& role, const fs::path& file) {
  const std::string name = "-" + normal(file);
  return name.ends_with("-" + std::string(role.name)) || name.ends_with("-" + std::string(role.other_name));
}

bool nearly_plays(const Role& role, const fs::path& file) {
  constexpr std::size_t typing_errors = 3;
  const std::string name = normal(file);
  const auto has_one = [&](const std::array<const char*, 2>& words) {
    return name.find(words[0]) != std::string::npos || name.find(words[1]) != std::string::npos;
  };
  return (has_one(role.sets) && has_one(role.kinds)) || edit_distance(name, role.name) <= typing_errors;
}

class Folder {
 public:
  explicit Folder(const fs::path& folder) : folder_(folder) {
    for (const auto& entry : fs::directory_iterator(folder))
      if (const auto form = entry.path().extension();
          entry.is_regular_file() && form != ".png" && form != ".npy" && form != ".npz" && form != ".txt")
        files_.push_back(entry.path());
    std::sort(files_.begin(), files_.end());  // the plain one before its .gz
  }

  // The file of the role, or nothing; none is passed over for its name.
  std::optional<fs::path> find(const Role& role) const {
    std::vector<fs::path> found, near;
    for (const fs::path& file : files_)
      if (plays(role, file))
        found.push_back(file);
      else if (nearly_plays(role, file) && std::none_of(roles.begin(), roles.end(), [&](const Role* other) {
                 return plays(*other, file);
               }))
        near.push_back(file);
    for (const fs::path& other : found)
      if (normal(other) != normal(found[0]))
        fail_file("data", folder_,
                  "has " + found[0].filename().string() + " and " + other.filename().string() +
                      "; give each set a folder of its own");
    if (found.empty() && !near.empty())
      fail_file("data", folder_,
                std::string("lacks ") + role.name + ", and has " + near[0].filename().string() +
                    "; if it is that (plain or .gz), rename it");
    return found.empty() ? std::nullopt : std::optional(found[0]);
  }

  bool has_any() const {
    return std::any_of(files_.begin(), files_.end(), [](const fs::path& file) {
      return std::any_of(roles.begin(), roles.end(),
                         [&](const Role* role) { return plays(*role, file) || nearly_plays(*role, file); });
    });
  }

 private:
  static constexpr std::array roles = {&train_images, &train_labels, &test_images, &test_labels};
  const fs::path& folder_;
  std::vector<fs::path> files_;
};

Part read(const fs::path& images, const std::optional<fs::path>& labels) {
  Part part{images, {}};
  if (labels) {  // first, since they are small
    const auto values = read_idx(*labels);
    if (values.dimension() != 1)
      fail_file("data", *labels,
                "labels have shape " + to_string(values.shape()) + ", expected (N); is this the right file?");
    part.labels.emplace();
    for (const std::uint8_t label : values) part.labels->push_back(std::to_string(label));
  }
  part.images = read_idx(images);
  return part;
}

}  // namespace

std::optional<Parts> read_idx_folder(const fs::path& path) {
  const Folder folder(path);
  if (!folder.has_any()) return {};
  const auto first_images = folder.find(train_images), first_labels = folder.find(train_labels),
             other_images = folder.find(test_images), other_labels = folder.find(test_labels);
  if (!first_images) fail_file("data", path, std::string("lacks ") + train_images.name + " (plain or .gz)");
  if (other_labels && !other_images)
    fail_file("data", path, std::string("lacks ") + test_images.name + " (plain or .gz) for its labels");
  Parts parts{read(*first_images, first_labels)};
  if (other_images) parts.test = read(*other_images, other_labels);
  return parts;
}

}  // namespace strata::tools
