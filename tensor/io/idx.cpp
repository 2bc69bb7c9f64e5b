#include "strata/tensor/io/idx.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <system_error>

#include "strata/tensor/io/file.hpp"

namespace strata {
namespace {

constexpr const char* operation = "read_idx";
constexpr unsigned char unsigned_byte = 0x08;

struct CloseGzip {
  void operator()(gzFile file) const { gzclose_r(file); }
};

std::string hex(std::span<const unsigned char> bytes) {
  constexpr const char* digits = "0123456789abcdef";
  std::string text = "0x";
  for (const unsigned char byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

// The other element types of the format.
const char* element_type_name(unsigned char code) {
  switch (code) {
    case 0x09:
      return "signed byte";
    case 0x0b:
      return "16-bit integer";
    case 0x0c:
      return "32-bit integer";
    case 0x0d:
      return "float";
    case 0x0e:
      return "double";
    default:
      return nullptr;
  }
}

// Magic number: two zero bytes, the element type, the rank.
std::size_t checked_rank(std::span<const unsigned char> content, const std::string& name) {
  if (content.size() < 4)
    fail_file(operation, name,
              "content is " + std::to_string(content.size()) +
                  " bytes long, the magic number alone takes 4; the file is cut short, get it again");
  const auto magic = content.first(4);
  const char* other_type = element_type_name(magic[2]);
  const bool plausible = magic[0] == 0 && magic[1] == 0 && magic[3] >= 1 && magic[3] <= 4;
  if (plausible && other_type != nullptr)
    fail_file(operation, name,
              "magic number " + hex(magic) + " says elements of type " + other_type +
                  "; only unsigned bytes can be read (labels 0x00000801, images 0x00000803)");
  if (!plausible || magic[2] != unsigned_byte)
    fail_file(operation, name,
              "magic number is " + hex(magic) +
                  "; an IDX file begins with 0x00000801 (labels) or 0x00000803 (images)");
  return magic[3];
}

}  // namespace

std::vector<unsigned char> read_maybe_gzip(const std::filesystem::path& path) {
  require_regular_file(path, operation);
  std::unique_ptr<gzFile_s, CloseGzip> file(gzopen(path.c_str(), "rb"));
  if (!file)
    fail_file(operation, path,
              "cannot be opened: " + std::generic_category().message(errno) + "; check its permissions");

  constexpr unsigned piece = 1 << 20;
  std::vector<unsigned char> content;
  int read = 0;
  do {
    const std::size_t before = content.size();
    content.resize(before + piece);
    read = gzread(file.get(), content.data() + before, piece);
    content.resize(before + static_cast<std::size_t>(std::max(read, 0)));
  } while (read > 0);

  int status = Z_OK;
  gzerror(file.get(), &status);
  // A stream cut short reads as one that ends early: only the status tells.
  const int closed = gzclose_r(file.release());
  if (status == Z_OK) status = closed;
  if (status == Z_BUF_ERROR)
    fail_file(operation, path, "gzip stream ends early; the file is cut short, get it again");
  if (status != Z_OK)
    fail_file(operation, path,
              std::string("zlib reports a ") + zError(status) + "; the file is corrupt, get it again");
  return content;
}

Tensor<std::uint8_t> parse_idx(std::span<const unsigned char> content, const std::string& name) {
  const std::size_t rank = checked_rank(content, name);
  const std::size_t header = 4 + 4 * rank;
  if (content.size() < header)
    fail_file(operation, name,
              "content is " + std::to_string(content.size()) + " bytes long, a header of rank " +
                  std::to_string(rank) + " takes " + std::to_string(header) +
                  "; the file is cut short, get it again");

  Shape shape(rank, 0);
  for (std::size_t axis = 0; axis < rank; ++axis)
    for (const std::size_t byte : content.subspan(4 + 4 * axis, 4)) shape[axis] = shape[axis] << 8 | byte;

  const auto elements = byte_count(shape, 1);
  if (!elements)
    fail_file(operation, name, "shape " + to_string(shape) + " overflows; the header is corrupt");
  // Compared before anything is allocated: the sizes may be anything.
  if (content.size() - header != *elements)
    fail_file(operation, name,
              "content is " + std::to_string(content.size()) + " bytes long, its shape " + to_string(shape) +
                  " takes " + std::to_string(header) + " + " + std::to_string(*elements) + "; the file is " +
                  (content.size() - header < *elements ? "cut short" : "followed by something else") +
                  ", get it again");

  Tensor<std::uint8_t> x = Tensor<std::uint8_t>::from_shape(shape);
  std::copy(content.begin() + static_cast<std::ptrdiff_t>(header), content.end(), x.data());
  return x;
}

Tensor<std::uint8_t> read_idx(const std::filesystem::path& file) {
  return parse_idx(read_maybe_gzip(file), file.string());
}

}  // namespace strata
