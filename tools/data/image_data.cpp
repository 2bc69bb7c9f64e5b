#include "strata/tools/data/image_data.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <sstream>
#include <tuple>

#include "strata/nn/summary.hpp"
#include "strata/tensor/io/file.hpp"
#include "strata/tools/data/download.hpp"
#include "strata/tools/data/forms.hpp"
#include "strata/tools/data/grey.hpp"
#include "strata/tools/run/numbers.hpp"

namespace strata::tools {
namespace {

namespace fs = std::filesystem;

// A line about a file.
void tell(std::ostream& notes, const fs::path& source, const std::string& fact) {
  notes << printable(source.string()) << ": " << fact << "\n";
}

std::string size_text(const Shape& images) {
  return std::to_string(images[1]) + " x " + std::to_string(images[2]);
}

Parts read(const fs::path& path, std::ostream& notes) {
  std::error_code ignored;  // what cannot be looked at is told by the readers
  if (!fs::exists(path, ignored)) fail_file("data", path, "no such folder or file; check the path");
  if (!fs::is_directory(path, ignored)) return read_numpy_file(path, notes);
  if (auto parts = read_idx_folder(path)) return std::move(*parts);
  if (auto parts = read_png_folder(path, notes)) return std::move(*parts);
  if (fs::is_empty(path)) fail_file("data", path, "the folder is empty; name one with images");
  fail_file("data", path,
            "has neither IDX files (train-images-idx3-ubyte) nor PNG files, but " +
                fs::directory_iterator(path)->path().filename().string() +
                "; a NumPy file is given by its own path");
}

// The images as (N, height, width).
template <class T> Tensor<T> in_shape(Tensor<T> x, const fs::path& source, std::ostream& notes) {
  const Shape shape = x.shape();
  const auto is_channels = [&](std::size_t axis) { return shape[axis] == 1 || shape[axis] == 3; };
  if (shape.size() < 2 || shape.size() > 4 || (shape.size() == 4 && !is_channels(3) && !is_channels(1)))
    fail_file("data", source,
              "images have shape " + to_string(shape) +
                  "; expected (N, height, width), with 1 or 3 channels behind or before these, or (N, D)");
  if (element_count(shape) == 0)
    fail_file("data", source, "images have shape " + to_string(shape) + "; at least one pixel is needed");
  if (shape.size() == 2) {
    const auto side = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(shape[1]))));
    const bool square = side * side == shape[1];
    x.reshape({shape[0], square ? side : 1, square ? side : shape[1]});
    tell(notes, source,
         std::to_string(shape[1]) + " values each are taken as images of " + size_text(x.shape()));
  }
  if (shape.size() < 4) return x;
  const std::size_t axis = is_channels(3) ? 3 : 1;
  if (shape[axis] == 1) {
    x.reshape({shape[0], axis == 1 ? shape[2] : shape[1], axis == 1 ? shape[3] : shape[2]});
    return x;
  }
  tell(notes, source, "images have colours, which are made grey");
  return grey(x, axis);
}

void prepare(Part& part, std::ostream& notes) {
  std::visit([&](auto& images) { images = in_shape(std::move(images), part.source, notes); }, part.images);
  const auto is_binary = [](const Tensor<std::uint8_t>& x) {
    return std::none_of(x.begin(), x.end(), [](std::uint8_t v) { return v > 1; }) &&
           std::find(x.begin(), x.end(), 1) != x.end();
  };
  if (auto* bytes = std::get_if<Tensor<std::uint8_t>>(&part.images); bytes && is_binary(*bytes)) {
    *bytes *= std::uint8_t{255};
    tell(notes, part.source, "no byte is above 1; 0 is taken as black and 1 as white");
  }
  const std::size_t count = std::visit([](const auto& images) { return images.shape(0); }, part.images);
  if (part.labels && part.labels->size() != count)
    fail_file("data", part.source,
              std::to_string(part.labels->size()) + " labels for " + std::to_string(count) +
                  " images; both must be of the same set");
}

Shape image_shape(const Part& part) {
  return std::visit([](const auto& x) { return Shape{x.shape(1), x.shape(2)}; }, part.images);
}

// The images for which keep(i) holds, with their labels.
template <class F> Part chosen(const Part& part, F keep) {
  Part some{part.source, {}};
  std::visit(
      [&]<class T>(const Tensor<T>& all) {
        Shape shape = all.shape();
        const std::size_t width = all.size() / shape[0];
        std::vector<T> values;
        for (std::size_t i = 0; i < all.shape(0); ++i)
          if (keep(i)) values.insert(values.end(), all.data() + i * width, all.data() + (i + 1) * width);
        shape[0] = values.size() / width;
        auto images = Tensor<T>::from_shape(shape);
        std::copy(values.begin(), values.end(), images.data());
        some.images = std::move(images);
      },
      part.images);
  if (part.labels) {
    some.labels.emplace();
    for (std::size_t i = 0; i < part.labels->size(); ++i)
      if (keep(i)) some.labels->push_back((*part.labels)[i]);
  }
  return some;
}

void hold_out_test(Parts& parts, std::ostream& notes) {
  const std::size_t count = std::visit([](const auto& x) { return x.shape(0); }, parts.train.images);
  if (count < 2)
    fail_file("data", parts.train.source, "has one image and no test set; two are needed at least");
  const std::size_t stride = std::min<std::size_t>(count, 10);
  const auto is_test = [&](std::size_t i) { return i % stride == stride - 1; };
  tell(notes, parts.train.source,
       "no test set; one in " + std::to_string(stride) + " of " + with_separators(count) +
           " images is held out for it, and not trained on");
  parts.test = chosen(parts.train, is_test);
  parts.train = chosen(parts.train, [&](std::size_t i) { return !is_test(i); });
}

// Numbers first and by their value, so that 2 comes before 10; then names.
bool before(const std::string& a, const std::string& b) {
  double x = 0, y = 0;
  const bool first = read_number(a, x), second = read_number(b, y);
  if (first != second) return first;
  return first && x != y ? x < y : a < b;
}

Dataset numbered(Part& part, const std::vector<std::string>& names) {
  Dataset data;
  std::visit([&](auto& images) { data.examples = std::move(images); }, part.images);
  data.classes = part.labels ? names.size() : 0;
  if (!part.labels) return data;
  std::map<std::string, std::uint32_t> number;
  for (const std::string& name : names) number.emplace(name, static_cast<std::uint32_t>(number.size()));
  data.labels = Tensor<std::uint32_t>::from_shape({part.labels->size()});
  std::transform(part.labels->begin(), part.labels->end(), data.labels->begin(),
                 [&](const std::string& label) { return number.at(label); });
  return data;
}

// SHA-256 of the IDX file that the tensor would be.
template <class T> std::string checksum(const Tensor<T>& x, unsigned char type) {
  std::vector<unsigned char> header{0, 0, type, static_cast<unsigned char>(x.dimension())};
  for (const std::size_t size : x.shape())
    for (const int shift : {24, 16, 8, 0}) header.push_back(static_cast<unsigned char>(size >> shift));
  return sha256(header, {reinterpret_cast<const unsigned char*>(x.data()), x.size() * sizeof(T)});
}

std::string checksum(const Dataset& data) {
  constexpr unsigned char byte = 0x08, word = 0x0c, real = 0x0d;
  const auto* bytes = std::get_if<Tensor<std::uint8_t>>(&data.examples);
  std::string text = bytes ? checksum(*bytes, byte) : checksum(std::get<Tensor<float>>(data.examples), real);
  if (data.labels && data.classes <= 256)
    text += checksum(Tensor<std::uint8_t>(xt::cast<std::uint8_t>(*data.labels)), byte);
  else if (data.labels)
    text += checksum(*data.labels, word);
  return text;
}

// The data set of this checksum; else the name of its folder or file.
std::string recognise(const std::string& checksum, const fs::path& path) {
  std::string mnist;
  for (const RemoteFile& file : mnist_files()) mnist += file.sha256;
  if (checksum == mnist) return "MNIST";
  if (checksum ==
      "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"
      "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"
      "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"
      "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34")
    return "Fashion-MNIST";
  const fs::path named = fs::canonical(path);
  return printable((fs::is_directory(named) ? named.filename() : named.stem()).string());
}

}  // namespace

ImageData load_data(const fs::path& path) {
  std::ostringstream notes;
  Parts parts = read(path, notes);
  prepare(parts.train, notes);
  if (parts.test) {
    prepare(*parts.test, notes);
    const Shape image = image_shape(parts.train), other = image_shape(*parts.test);
    if (image != other) {
      tell(notes, parts.test->source,
           "images are " + to_string(other) + ", and those to train on " + to_string(image) + "; not used");
      parts.test.reset();
    }
  }
  if (!parts.test) hold_out_test(parts, notes);
  std::set<std::string> known;
  for (const Part* part : {&parts.train, &*parts.test})
    if (part->labels) known.insert(part->labels->begin(), part->labels->end());
  ImageData data{{}, path, {}, {known.begin(), known.end()}, {}, {}};
  std::sort(data.labels.begin(), data.labels.end(), before);
  data.train = numbered(parts.train, data.labels);
  data.test = numbered(*parts.test, data.labels);
  data.checksum = checksum(data.train) + checksum(data.test);
  data.name = recognise(data.checksum, path);
  data.notes = notes.str();
  return data;
}

void hold_out_validation(ImageData& data, std::size_t count) {
  if (count >= data.train.size())
    fail("validation", "it is " + std::to_string(count) + ", but there are " +
                           std::to_string(data.train.size()) +
                           " training images, some of which must be left");
  std::tie(data.train, data.validation.emplace()) = split(data.train, count);
}

std::string describe(const ImageData& data) {
  const Shape image = data.train.example_shape();
  return data.name + " from " + printable(data.path.string()) + ": " + with_separators(data.train.size()) +
         (data.validation ? " training, " + with_separators(data.validation->size()) + " validation"
                          : " training") +
         " and " + with_separators(data.test.size()) + " test images of " + std::to_string(image[0]) + " x " +
         std::to_string(image[1]) + ", " +
         (data.labels.empty() ? "no labels"
                              : with_separators(data.labels.size()) + " labels (" +
                                    printable(data.labels.front() + " to " + data.labels.back()) + ")");
}

}  // namespace strata::tools
