#include "strata/tests/fuzz/parsers.hpp"

#include <png.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include <map>
#include <new>
#include <sstream>
#include <stdexcept>

#include "strata/nn/checkpoint.hpp"
#include "strata/tensor/io/file.hpp"
#include "strata/tensor/io/idx.hpp"
#include "strata/tensor/io/numpy.hpp"
#include "strata/tensor/io/png.hpp"
#include "strata/tensor/io/safetensors.hpp"
#include "strata/tests/gzip.hpp"
#include "strata/tests/numpy_files.hpp"
#include "strata/tests/temporary_folder.hpp"
#include "strata/tools/run/run_config.hpp"

namespace strata::fuzz {
namespace {

void require(bool agreement) {
  if (!agreement) throw Disagreement();
}

std::string idx_of(char type, const std::vector<char>& sizes, std::size_t elements) {
  std::string bytes{'\0', '\0', type, static_cast<char>(sizes.size())};
  for (const char size : sizes) bytes += std::string(3, '\0') + size;
  return bytes + std::string(elements, '\7');
}

std::vector<std::string> idx_seeds() {
  return {idx_of(8, {5}, 5), idx_of(8, {2, 3, 4}, 24), idx_of(8, {1, 2, 1, 3}, 6), idx_of(8, {0, 28, 28}, 0),
          idx_of(13, {1}, 4)};
}

void read_idx(const std::string& bytes) {
  const auto x = parse_idx({reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()}, "fuzz");
  require(x.size() + 4 + 4 * x.dimension() == bytes.size());
}

std::vector<std::string> gzip_seeds() {
  std::vector<std::string> seeds = {idx_of(8, {3}, 3)};  // plain content is read, too
  for (const std::string& content : idx_seeds())
    for (const int level : {0, 9}) seeds.push_back(gzip(content, level));
  seeds.push_back(gzip(idx_of(8, {9}, 4), 9) + gzip("12345", 9));
  seeds.push_back(gzip(idx_of(8, {5}, 100'000), 9));  // more than it announces
  return seeds;
}

// The path of a file of these bytes in memory, until the next.
std::string file_of(const std::string& bytes) {
  static const int file = memfd_create("fuzz", MFD_CLOEXEC);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  const bool written = ftruncate(file, 0) == 0 &&
                       pwrite(file, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size());
  if (!written) throw std::bad_alloc();
  return path;
}

void read_gzip(const std::string& bytes) { strata::read_idx(file_of(bytes)); }

std::vector<std::string> numpy_seeds() {
  std::vector<std::string> seeds = {
      npy("|u1", "(2, 3)", "abcdef"),   npy("<f4", "(2,)", std::string(8, '\1'), "True"),
      npy(">i8", "(1, 1)", "12345678"), npy("|b1", "()", "\1"),
      npy("<f8", "(0, 3)", ""),         npy("|O", "(1,)", "x")};
  for (const bool deflated : {false, true})
    seeds.push_back(npz({{"x_train.npy", seeds[0]}, {"y.npy", seeds[1]}}, deflated));
  return seeds;
}

void read_numpy(const std::string& bytes) {
  const std::string path = file_of(bytes);
  const auto read = [&](const NumpyArray& array) {
    const auto x = array.get<float>();
    require(x.size() <= 16'000'000 && x.shape() == array.shape());
    require(array.get<std::uint8_t>().size() == x.size());
  };
  if (!bytes.starts_with("PK")) return read(NumpyArray::read(path));
  const ZipArchive archive(path);
  for (const std::string& member : archive.names()) read(NumpyArray::read(path, archive, member));
}

std::vector<std::string> png_seeds() {
  std::vector<std::string> seeds;
  for (const png_uint_32 format :
       std::vector<png_uint_32>{PNG_FORMAT_GRAY, PNG_FORMAT_RGB, PNG_FORMAT_GA, PNG_FORMAT_RGBA,
                                PNG_FORMAT_LINEAR_Y, PNG_FORMAT_RGB_COLORMAP}) {
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.width = 5;
    image.height = 3;
    image.format = format;
    image.colormap_entries = 4;
    const std::vector<std::uint16_t> colours(16, 0x5a01), pixels(60, 0x0102);
    std::string bytes(PNG_IMAGE_PNG_SIZE_MAX(image), '\0');
    png_alloc_size_t size = bytes.size();
    if (png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels.data(), 0, colours.data()) == 0)
      throw std::runtime_error(image.message);
    seeds.push_back(bytes.substr(0, size));
  }
  return seeds;
}

// With the chunks' checksums put right: else most mutations would end there.
void read_png(std::string bytes) {
  const auto number = [&](std::size_t at) {
    std::size_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
    return value;
  };
  for (std::size_t at = 8; at + 12 <= bytes.size();) {
    const std::size_t length = number(at);
    if (length > bytes.size() - at - 12) break;
    const auto sum =
        crc32(0, reinterpret_cast<const Bytef*>(bytes.data() + at + 4), static_cast<uInt>(length + 4));
    for (std::size_t i = 0; i < 4; ++i) bytes[at + 8 + length + i] = static_cast<char>(sum >> 8 * (3 - i));
    at += length + 12;
  }
  const auto image = strata::read_png(file_of(bytes));
  require(image.dimension() == 2 || image.shape(2) == 3);
}

std::string safetensors_of(const std::string& header, std::size_t data) {
  std::string bytes(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(header.size() >> 8 * i);
  return bytes + header + std::string(data, '\x3f');
}

std::vector<std::string> safetensors_seeds() {
  return {safetensors_of("{}      ", 0),
          safetensors_of(R"({"__metadata__":{"k":"v","ä\u00e4":""},"a":{"dtype":"F32","shape":[1,2],)"
                         R"("data_offsets":[8,16]},"b":{"dtype":"F64","shape":[],"data_offsets":[0,8]}})",
                         16),
          safetensors_of(
              R"({"h":{"dtype":"F16","shape":[3],"data_offsets":[0,6]},"e":{"dtype":"BF16",)"
              R"("shape":[0],"data_offsets":[6,6]},"i":{"data_offsets":[6,8],"shape":[2],"dtype":"I8"}})",
              8)};
}

void read_safetensors(const std::string& bytes) {
  const Safetensors file = Safetensors::parse(bytes, "fuzz");
  std::size_t elements = 0;
  for (const std::string& name : file.names()) {
    elements += element_count(file.shape(name));
    const std::string& dtype = file.dtype(name);
    if (dtype == "F16" || dtype == "BF16" || dtype == "F32" || dtype == "F64")
      require(file.get<float>(name).size() == file.get<double>(name).size());
  }
  require(elements <= bytes.size());
  file.require_finite();
}

// Every kind of field that a run's state has.
struct State {
  Parameter<float> weight{Tensor<float>::from_shape({1, 2})};
  Tensor<double> moment = Tensor<double>::from_shape({3});
  std::size_t epochs = 0;
  bool is_best = false;
  double rate = 0;
  std::vector<double> terms;
  std::vector<std::uint64_t> counters;

  static void fields(auto& self, auto&& visit) {
    visit("weight", self.weight);
    visit("moment", self.moment);
    visit("epochs", self.epochs);
    visit("is_best", self.is_best);
    visit("rate", self.rate);
    visit("terms", self.terms);
    visit("counters", self.counters);
  }
};

std::vector<std::string> checkpoint_seeds() {
  const TemporaryFolder folder;
  const auto bytes = [&](const State& state) {
    Safetensors file;
    file.metadata["epochs"] = "3";
    store(state, file);
    file.write(folder / "checkpoint");
    return read_file(folder / "checkpoint");
  };
  State other;
  other.terms = {-1, 1e300};
  other.counters = {~std::uint64_t{0}};
  return {bytes({}), bytes(other)};
}

void read_checkpoint(const std::string& bytes) {
  const Safetensors file = Safetensors::parse(bytes, "fuzz");
  State state;
  restore(state, file);
  Safetensors again;
  store(state, again);
  require(again.names().size() == file.names().size());
  for (const std::string& name : again.names()) require(again.shape(name) == file.shape(name));
}

std::vector<std::string> metadata_seeds() {
  const auto text = [](const tools::RunConfig& config) {
    std::string lines;
    for (const auto& [key, value] : to_metadata(config)) lines += key + "=" + value + "\n";
    return lines;
  };
  tools::RunConfig other{.hidden = {},
                         .latent = {6, 3},
                         .init = Init::he,
                         .conditional = true,
                         .objective = Iwae{},
                         .lr = 1e-300,
                         .seed = ~std::uint64_t{0}};
  return {text({}), text(other), "unknown=1\nhidden=0x32\n"};
}

void read_metadata(const std::string& bytes) {
  std::map<std::string, std::string> metadata;
  std::istringstream lines(bytes);
  for (std::string key, value; std::getline(lines, key, '=') && std::getline(lines, value);)
    metadata[key] = value;
  const tools::RunConfig config = tools::from_metadata(metadata);
  const auto written = to_metadata(config);
  require(to_metadata(tools::from_metadata(written)) == written);
  require(tools::least_bytes(config, 784, 10) >= 0);
}

}  // namespace

std::vector<Parser> parsers() {
  return {{"idx", idx_seeds(), read_idx},
          {"gzip", gzip_seeds(), read_gzip},
          {"numpy", numpy_seeds(), read_numpy},
          {"png", png_seeds(), read_png},
          {"safetensors", safetensors_seeds(), read_safetensors},
          {"checkpoint", checkpoint_seeds(), read_checkpoint},
          {"metadata", metadata_seeds(), read_metadata}};
}

void run(const Parser& parser, const std::string& bytes) {
  try {
    parser.read(bytes);
  } catch (const std::bad_alloc&) {
    throw Disagreement();  // sizes are to be checked first
  } catch (const std::runtime_error& error) {
    require(printable(error.what()) == error.what());
  } catch (const std::invalid_argument&) {
  }
}

}  // namespace strata::fuzz
