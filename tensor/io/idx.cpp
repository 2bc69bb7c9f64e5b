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

struct Header {
  Shape shape;
  std::size_t bytes;     // of the header
  std::size_t elements;  // that follow it, a byte each
};

Header parse_header(std::span<const unsigned char> content, const std::string& name) {
  Header header{Shape(checked_rank(content, name), 0), 0, 0};
  const std::size_t rank = header.shape.size();
  header.bytes = 4 + 4 * rank;
  if (content.size() < header.bytes)
    fail_file(operation, name,
              "content is " + std::to_string(content.size()) + " bytes long, a header of rank " +
                  std::to_string(rank) + " takes " + std::to_string(header.bytes) +
                  "; the file is cut short, get it again");
  for (std::size_t axis = 0; axis < rank; ++axis)
    for (const std::size_t byte : content.subspan(4 + 4 * axis, 4))
      header.shape[axis] = header.shape[axis] << 8 | byte;
  const auto elements = byte_count(header.shape, 1);
  if (!elements)
    fail_file(operation, name, "shape " + to_string(header.shape) + " overflows; the header is corrupt");
  header.elements = *elements;
  return header;
}

// The content of a file, plain or gzip, as far as it is asked for.
class MaybeGzip {
 public:
  explicit MaybeGzip(const std::filesystem::path& path) : path_(path) {
    require_regular_file(path, operation);
    file_.reset(gzopen(path.c_str(), "rb"));
    if (!file_)
      fail_file(operation, path,
                "cannot be opened: " + std::generic_category().message(errno) + "; check its permissions");
  }

  bool compressed() const { return gzdirect(file_.get()) == 0; }

  // Lengthens the content to `size` bytes, or less where it ends. Throws where it is corrupt or cut short.
  void read(std::vector<unsigned char>& content, std::size_t size) {
    constexpr std::size_t piece = 1 << 20;
    while (content.size() < size) {
      const std::size_t before = content.size(), wanted = std::min(piece, size - before);
      content.resize(before + wanted);
      const int count = gzread(file_.get(), content.data() + before, static_cast<unsigned>(wanted));
      content.resize(before + static_cast<std::size_t>(std::max(count, 0)));
      if (static_cast<std::size_t>(std::max(count, 0)) < wanted) return check_end();
    }
  }

 private:
  // A stream cut short reads as one that ends early: only the status tells.
  void check_end() {
    int status = Z_OK;
    gzerror(file_.get(), &status);
    if (status == Z_OK) status = gzclose_r(file_.release());
    if (status == Z_BUF_ERROR)
      fail_file(operation, path_, "gzip stream ends early; the file is cut short, get it again");
    if (status != Z_OK)
      fail_file(operation, path_,
                std::string("zlib reports a ") + zError(status) + "; the file is corrupt, get it again");
  }

  struct Close {
    void operator()(gzFile file) const { gzclose_r(file); }
  };
  std::filesystem::path path_;
  std::unique_ptr<gzFile_s, Close> file_;
};

}  // namespace

std::vector<unsigned char> read_maybe_gzip(const std::filesystem::path& path, std::size_t limit) {
  std::vector<unsigned char> content;
  MaybeGzip(path).read(content, limit + 1);
  if (content.size() > limit)
    fail_file(operation, path,
              "content is longer than " + std::to_string(limit) + " bytes; is this the right file?");
  return content;
}

std::vector<unsigned char> read_idx_content(const std::filesystem::path& path) {
  constexpr std::size_t longest_header = 20;
  std::vector<unsigned char> content;
  MaybeGzip file(path);
  const bool compressed = file.compressed();
  file.read(content, longest_header);
  const Header header = parse_header(content, path.string());
  const std::size_t size = std::filesystem::file_size(path);
  if (!plausible_content(header.elements, size, compressed ? 100 : 1))
    fail_file(operation, path,
              "shape " + to_string(header.shape) + " does not fit in a file of " + std::to_string(size) +
                  " bytes; the file is cut short, get it again");
  if (content.size() == longest_header) file.read(content, header.bytes + header.elements + 1);
  return content;
}

Tensor<std::uint8_t> parse_idx(std::span<const unsigned char> content, const std::string& name) {
  const Header header = parse_header(content, name);
  const std::size_t found = content.size() - header.bytes;
  if (found != header.elements)
    fail_file(operation, name,
              "content is " +
                  (found < header.elements ? std::to_string(content.size()) + " bytes long" : "longer") +
                  ", its shape " + to_string(header.shape) + " takes " + std::to_string(header.bytes) +
                  " + " + std::to_string(header.elements) + "; the file is " +
                  (found < header.elements ? "cut short" : "followed by something else") + ", get it again");
  Tensor<std::uint8_t> x = Tensor<std::uint8_t>::from_shape(header.shape);
  std::copy(content.begin() + static_cast<std::ptrdiff_t>(header.bytes), content.end(), x.data());
  return x;
}

Tensor<std::uint8_t> read_idx(const std::filesystem::path& file) {
  return parse_idx(read_idx_content(file), file.string());
}

}  // namespace strata
