#include "strata/tensor/io/png.hpp"

#include <png.h>

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

}  // namespace

std::string encode_png(const Tensor<std::uint8_t>& image) { return encode("encode_png", "picture", image); }

void write_png(const std::filesystem::path& file, const Tensor<std::uint8_t>& image) {
  write_atomically(file, encode("write_png", file, image), "write_png");
}

}  // namespace strata
