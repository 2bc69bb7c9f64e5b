#include "strata/tensor/io/png.hpp"

#include <png.h>

#include <catch2/catch.hpp>
#include <vector>

#include "strata/tests/temporary_folder.hpp"

using namespace strata;
using Catch::Matchers::Contains;

namespace {

// The file as libpng reads it; `format` is the one expected in the file.
Tensor<std::uint8_t> read_png(const std::filesystem::path& file, png_uint_32 format) {
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  REQUIRE(png_image_begin_read_from_file(&header, file.c_str()) != 0);
  CHECK(header.format == format);
  Tensor<std::uint8_t> image = Tensor<std::uint8_t>::from_shape({header.height, header.width});
  if (format == PNG_FORMAT_RGB) image.resize({header.height, header.width, 3});
  REQUIRE(png_image_finish_read(&header, nullptr, image.data(), 0, nullptr) != 0);
  return image;
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
    CHECK((read_png(folder / "grey.png", PNG_FORMAT_GRAY) == grey));
    CHECK((read_png(folder / "rgb.png", PNG_FORMAT_RGB) == rgb));
  }
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
