#include "strata/tensor/io/png.hpp"

#include <png.h>
#include <zlib.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <vector>

#include "strata/tensor/io/file.hpp"
#include "strata/tests/temporary_folder.hpp"

using namespace strata;
using Catch::Matchers::Contains;

namespace {

// A PNG file of any kind, from rows of bytes as they lie in the file.
void write_kind(const std::filesystem::path& file, int depth, int colour, png_uint_32 width,
                std::vector<std::vector<unsigned char>> rows, const std::vector<png_color>& palette = {}) {
  std::FILE* const out = std::fopen(file.c_str(), "wb");
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_init_io(png, out);
  png_set_IHDR(png, info, width, static_cast<png_uint_32>(rows.size()), depth, colour, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (!palette.empty()) png_set_PLTE(png, info, palette.data(), static_cast<int>(palette.size()));
  png_write_info(png, info);
  for (auto& row : rows) png_write_row(png, row.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  std::fclose(out);
}

Tensor<std::uint8_t> pattern(const Shape& shape) {
  Tensor<std::uint8_t> image = Tensor<std::uint8_t>::from_shape(shape);
  for (std::size_t i = 0; i < image.size(); ++i) image.data()[i] = static_cast<std::uint8_t>(i * i * 37 + i);
  return image;
}

}  // namespace

TEST_CASE("A PNG file holds the pixels of a grey or RGB image") {
  const TemporaryFolder folder;
  for (const Shape& shape : {Shape{1, 1}, Shape{28, 28}, Shape{3, 500}, Shape{500, 3}}) {
    const Tensor<std::uint8_t> grey = pattern(shape), rgb = pattern({shape[0], shape[1], 3});
    write_png(folder / "grey.png", grey);
    write_png(folder / "rgb.png", rgb);
    CHECK((read_png(folder / "grey.png") == grey));
    CHECK((read_png(folder / "rgb.png") == rgb));
  }
}

TEST_CASE("PNG files of every kind up to 8 bits are read, transparency over black") {
  const TemporaryFolder folder;
  const auto file = folder / "x.png";
  write_kind(file, 1, PNG_COLOR_TYPE_GRAY, 8, {{0b10100000}, {0b00000001}});
  CHECK((read_png(file) == Tensor<std::uint8_t>{{255, 0, 255, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0, 0, 255}}));
  write_kind(file, 8, PNG_COLOR_TYPE_PALETTE, 2, {{1, 0}}, {{10, 20, 30}, {255, 0, 7}});
  CHECK((read_png(file) == Tensor<std::uint8_t>{{{255, 0, 7}, {10, 20, 30}}}));
  write_kind(file, 8, PNG_COLOR_TYPE_GRAY_ALPHA, 2, {{200, 255, 200, 0}});
  CHECK((read_png(file) == Tensor<std::uint8_t>{{200, 0}}));
  write_kind(file, 8, PNG_COLOR_TYPE_RGB_ALPHA, 2, {{1, 2, 3, 255, 200, 200, 200, 0}});
  CHECK((read_png(file) == Tensor<std::uint8_t>{{{1, 2, 3}, {0, 0, 0}}}));
}

TEST_CASE("read_png names a file of 16 bits, one that is cut short, and one that is none") {
  const TemporaryFolder folder;
  const auto file = folder / "x.png";
  write_kind(file, 16, PNG_COLOR_TYPE_GRAY, 1, {{1, 2}});
  CHECK_THROWS_WITH(read_png(file), Contains("[read_png] " + file.string() + ": has 16 bits a channel"));
  write_png(file, pattern({40, 40}));
  const std::string good = read_file(file);
  const std::pair<std::size_t, const char*> cuts[] = {
      {0, "libpng says: "},
      {20, "the chunk at byte 8 announces 13 bytes and 4 follow"},
      {good.size() / 2, "the chunk at byte 46 announces "},
      {good.size() - 40, "the chunk at byte 46 announces "}};
  for (const auto& [size, fact] : cuts) {
    write_atomically(file, good.substr(0, size));
    CHECK_THROWS_WITH(read_png(file), Contains("[read_png] " + file.string() + ": " + fact) &&
                                          Contains("; is it a whole PNG file?"));
  }
  // After the image's header a text of 2^31 − 1 bytes, for which libpng would take as much memory.
  write_atomically(file, good.substr(0, 33) + std::string("\x7f\xff\xff\xfftEXta", 9));
  CHECK_THROWS_WITH(read_png(file), Contains("the chunk at byte 33 announces 2147483647 bytes and 1 follow"));
  write_atomically(file, "<html></html>");
  CHECK_THROWS_WITH(read_png(file), Contains("libpng says: ") && Contains("is it a whole PNG file?"));
  std::string huge = good;
  huge.replace(16, 13, std::string("\0\0\xff\xff\0\0\xff\xff\x08\0\0\0\0", 13));
  const auto checksum = crc32(0, reinterpret_cast<const Bytef*>(huge.data() + 12), 17);
  for (std::size_t i = 0; i < 4; ++i) huge[29 + i] = static_cast<char>(checksum >> 8 * (3 - i));
  write_atomically(file, huge);
  CHECK_THROWS_WITH(read_png(file), Contains("announces 65535 x 65535 pixels, which its size cannot hold"));
  CHECK_THROWS_WITH(read_png(folder / "none.png"), Contains("does not exist"));
}

TEST_CASE("write_png refuses other shapes and empty images") {
  const TemporaryFolder folder;
  const auto file = folder / "x.png";
  for (const Shape& shape : {Shape{}, Shape{3}, Shape{2, 2, 1}, Shape{2, 2, 4}, Shape{1, 2, 2, 3}})
    CHECK_THROWS_WITH(write_png(file, pattern(shape)),
                      "[write_png] " + file.string() + ": image is " + to_string(shape) +
                          "; needs (height, width) for grey or (height, width, 3) for RGB");
  for (const Shape& shape : {Shape{0, 5}, Shape{5, 0}, Shape{0, 5, 3}})
    CHECK_THROWS_WITH(write_png(file, pattern(shape)), Contains("without a pixel; needs at least one row"));
  CHECK_THROWS_AS(write_png(file, pattern({0, 0})), std::invalid_argument);
  CHECK_FALSE(std::filesystem::exists(file));
}

TEST_CASE("write_png says why it cannot write") {
  const TemporaryFolder folder;
  const auto file = folder / "x.png";
  CHECK_THROWS_WITH(write_png(file, pattern({1, 1'000'001})),
                    Contains("[write_png] " + file.string()) && Contains("cannot be encoded; libpng says: "));
  CHECK_THROWS_WITH(write_png(folder / "none" / "x.png", pattern({2, 2})),
                    Contains("[write_png] ") && Contains("No such file or directory; check that its folder"));
}
