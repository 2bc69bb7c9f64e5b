#include <algorithm>
#include <array>
#include <cctype>
#include <ostream>

#include "strata/tensor/io/file.hpp"
#include "strata/tensor/io/png.hpp"
#include "strata/tools/data/forms.hpp"
#include "strata/tools/data/grey.hpp"

namespace strata::tools {
namespace {

namespace fs = std::filesystem;

std::string small_letters(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::vector<fs::path> entries(const fs::path& folder, bool folders) {
  std::vector<fs::path> all;
  for (const auto& entry : fs::directory_iterator(folder))
    if (!entry.path().filename().string().starts_with(".") &&
        (folders ? entry.is_directory()
                 : entry.is_regular_file() && small_letters(entry.path().extension()) == ".png"))
      all.push_back(entry.path());
  std::sort(all.begin(), all.end());
  return all;
}

struct File {
  fs::path path;
  std::string label;
  double place;  // among those of its label, in (0, 1)
};

// The PNG files of a folder, which lie there or in folders named by their labels.
struct Listed {
  std::vector<File> files = {};
  bool labelled = false;

  explicit Listed(const fs::path& folder) {
    const auto add = [&](const fs::path& from) {
      const auto found = entries(from, false);
      for (std::size_t i = 0; i < found.size(); ++i)
        files.push_back({found[i], from.filename().string(),
                         (static_cast<double>(i) + 0.5) / static_cast<double>(found.size())});
    };
    add(folder);
    const std::size_t alone = files.size();
    for (const fs::path& label : entries(folder, true)) add(label);
    labelled = alone == 0 && !files.empty();
    if (alone > 0 && files.size() > alone)
      fail_file(
          "data", folder,
          "has PNG files beside folders of PNG files; put all into folders named by their labels, or none");
    std::stable_sort(files.begin(), files.end(),
                     [](const File& a, const File& b) { return a.place < b.place; });
  }
};

Part read(const fs::path& folder, const Listed& listed, std::ostream& notes) {
  Part part{folder, {}};
  if (listed.labelled) part.labels.emplace();
  std::vector<std::uint8_t> pixels;
  Shape first;
  std::size_t coloured = 0;
  for (const auto& [file, label, place] : listed.files) {
    Tensor<std::uint8_t> image = read_png(file);
    if (image.dimension() == 3) {
      image = grey(image, 2);
      ++coloured;
    }
    if (first.empty()) first = image.shape();
    if (image.shape() != first)
      fail_file("data", file,
                "is an image of " + to_string(image.shape()) + ", and " + listed.files[0].path.string() +
                    " one of " + to_string(first) + "; all must have one height and width");
    pixels.insert(pixels.end(), image.begin(), image.end());
    if (listed.labelled) part.labels->push_back(label);
  }
  if (coloured > 0)
    notes << printable(folder.string()) << ": " << coloured << " of " << listed.files.size()
          << " images have colours, which are made grey\n";
  auto images = Tensor<std::uint8_t>::from_shape({listed.files.size(), first[0], first[1]});
  std::copy(pixels.begin(), pixels.end(), images.data());
  part.images = std::move(images);
  return part;
}

}  // namespace

std::optional<Parts> read_png_folder(const fs::path& folder, std::ostream& notes) {
  const auto part_of = [&](std::array<const char*, 2> names) -> std::optional<fs::path> {
    for (const fs::path& entry : entries(folder, true))
      if (std::find(names.begin(), names.end(), small_letters(entry.filename())) != names.end()) return entry;
    return {};
  };
  const auto train = part_of({"train", "training"}), test = part_of({"test", "testing"});
  const fs::path from = train.value_or(folder);
  const Listed listed(from);
  if (listed.files.empty()) return {};
  Parts parts{read(from, listed, notes)};
  if (!train || !test) return parts;
  const Listed others(*test);
  if (others.files.empty())
    fail_file("data", *test, "has no PNG file; remove it, and a part of train is held out");
  parts.test = read(*test, others, notes);
  return parts;
}

}  // namespace strata::tools
