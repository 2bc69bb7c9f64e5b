#include "strata/tensor/io/png.hpp"

#include <png.h>

#include <memory>
#include <string>

#include "strata/tensor/io/file.hpp"

namespace strata {
namespace {

std::string encode(std::string_view operation, const std::filesystem::path& file,
                   const Tensor<std::uint8_t>& image) {
  const std::string facts = file.string() + ": image is " + to_string(image.shape());
  const bool grey = image.dimension() == 2;
  if (!grey && !(image.dimension() == 3 && image.shape(2) == 3))
    fail(operation, facts + "; needs (height, width) for grey or (height, width, 3) for RGB");
  if (image.size() == 0) fail(operation, facts + ", without a pixel; needs at least one row and column");
  if (image.shape(0) > PNG_UINT_31_MAX || image.shape(1) > PNG_UINT_31_MAX)
    fail_file(operation, file, "image is " + to_string(image.shape()) + ", too large for PNG; cut it");

  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  header.height = static_cast<png_uint_32>(image.shape(0));
  header.width = static_cast<png_uint_32>(image.shape(1));
  header.format = grey ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;

  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(header);
  std::string bytes(size, '\0');
  if (!png_image_write_to_memory(&header, bytes.data(), &size, 0, image.data(), 0, nullptr))
    fail_file(
        operation, file,
        "image of shape " + to_string(image.shape()) + " cannot be encoded; libpng says: " + header.message);
  bytes.resize(size);
  return bytes;
}

// libpng takes as much memory as a chunk announces, which is: length (big-endian), kind, so many bytes,
// checksum.
void require_whole_chunks(std::string_view operation, const std::filesystem::path& path) {
  InputFile file(path, std::string(operation));
  if (file.size() < 8 || file.read(8) != "\x89PNG\r\n\x1a\n") return;  // libpng says what it is not
  for (std::size_t at = 8; at + 8 <= file.size();) {
    file.seek(at);
    const std::string head = file.read(8);
    std::size_t length = 0;
    for (const char byte : head.substr(0, 4)) length = length << 8 | static_cast<unsigned char>(byte);
    if (length > file.size() - at - 8)
      fail_file(operation, path,
                "the chunk at byte " + std::to_string(at) + " announces " + std::to_string(length) +
                    " bytes and " + std::to_string(file.size() - at - 8) +
                    " follow; is it a whole PNG file?");
    if (head.substr(4) == "IEND") return;
    at += 12 + length;
  }
}

}  // namespace

std::string encode_png(const Tensor<std::uint8_t>& image) { return encode("encode_png", "picture", image); }

void write_png(const std::filesystem::path& file, const Tensor<std::uint8_t>& image) {
  write_atomically(file, encode("write_png", file, image), "write_png");
}

Tensor<std::uint8_t> read_png(const std::filesystem::path& file) {
  constexpr const char* operation = "read_png";
  png_image header{};
  const std::unique_ptr<png_image, decltype(&png_image_free)> freed(&header, png_image_free);
  header.version = PNG_IMAGE_VERSION;
  const auto corrupt = [&] {
    fail_file(operation, file, std::string("libpng says: ") + header.message + "; is it a whole PNG file?");
  };
  require_whole_chunks(operation, file);
  if (!png_image_begin_read_from_file(&header, file.c_str())) corrupt();
  const std::string size = std::to_string(header.height) + " x " + std::to_string(header.width) + " pixels";
  if ((header.format & PNG_FORMAT_FLAG_LINEAR) != 0)
    fail_file(operation, file, "has 16 bits a channel, of which 8 would be lost; save it with 8 bits");
  const bool grey = (header.format & PNG_FORMAT_FLAG_COLOR) == 0;
  const Shape shape = grey ? Shape{header.height, header.width} : Shape{header.height, header.width, 3};
  const auto bytes = byte_count(shape, 1);
  if (!bytes || !plausible_content(*bytes, std::filesystem::file_size(file)))
    fail_file(operation, file, "announces " + size + ", which its size cannot hold; is it a whole PNG file?");
  header.format = grey ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  auto image = Tensor<std::uint8_t>::from_shape(shape);
  const png_color black{};
  if (!png_image_finish_read(&header, &black, image.data(), 0, nullptr)) corrupt();
  return image;
}

}  // namespace strata
