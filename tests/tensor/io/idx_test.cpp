#include "strata/tensor/io/idx.hpp"

#include <zlib.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <random>

#include "strata/tensor/io/file.hpp"
#include "strata/tests/temporary_folder.hpp"

using namespace strata;
using Catch::Matchers::Contains;

namespace {

using Bytes = std::vector<unsigned char>;

// Two images of 2 × 3 pixels.
const Bytes images = {0, 0, 8, 3, 0, 0, 0, 2,   0, 0, 0, 2, 0,  0,
                      0, 3, 0, 1, 2, 3, 4, 255, 6, 7, 8, 9, 10, 128};

void write(const std::filesystem::path& file, const Bytes& bytes) {
  write_atomically(file, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

void write_gzip(const std::filesystem::path& file, const Bytes& bytes) {
  const gzFile gzip = gzopen(file.c_str(), "wb");
  REQUIRE(gzwrite(gzip, bytes.data(), static_cast<unsigned>(bytes.size())) == static_cast<int>(bytes.size()));
  REQUIRE(gzclose(gzip) == Z_OK);
}

}  // namespace

TEST_CASE("An IDX file reads the same plain and compressed") {
  const TemporaryFolder folder;
  write(folder / "plain", images);
  write_gzip(folder / "compressed.gz", images);
  const Tensor<std::uint8_t> expected = {{{0, 1, 2}, {3, 4, 255}}, {{6, 7, 8}, {9, 10, 128}}};
  for (const char* name : {"plain", "compressed.gz"}) {
    CHECK(read_maybe_gzip(folder / name, images.size()) == images);
    CHECK(read_idx_content(folder / name) == images);
    CHECK_THROWS_WITH(read_maybe_gzip(folder / name, images.size() - 1), Contains("longer than 27 bytes"));
    const Tensor<std::uint8_t> x = read_idx(folder / name);
    REQUIRE(x.shape() == Shape{2, 2, 3});
    CHECK((x == expected));
  }
}

TEST_CASE("Sizes of an IDX file are big-endian; ranks go from 1 to 4 and sizes from 0") {
  Bytes labels = {0, 0, 8, 1, 0, 1, 2, 3};
  labels.resize(8 + 0x010203, 7);
  const Tensor<std::uint8_t> x = parse_idx(labels, "labels");
  REQUIRE(x.shape() == Shape{0x010203});
  CHECK(x(0x010202) == 7);
  CHECK(parse_idx(Bytes{0, 0, 8, 4, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 5, 6}, "x").shape() ==
        Shape{1, 1, 2, 1});
  CHECK(parse_idx(Bytes{0, 0, 8, 2, 0, 0, 0, 0, 0, 0, 0, 28}, "x").shape() == Shape{0, 28});
}

TEST_CASE("A gzip file larger than zlib's and the reader's buffers reads whole") {
  const TemporaryFolder folder;
  Bytes noise(3'000'000);
  std::mt19937 generator(1);
  for (unsigned char& byte : noise) byte = static_cast<unsigned char>(generator());
  write_gzip(folder / "noise.gz", noise);
  CHECK(read_maybe_gzip(folder / "noise.gz", 1 << 30) == noise);
}

TEST_CASE("An IDX header that is none is refused with what was found and expected") {
  CHECK_THROWS_WITH(parse_idx(Bytes{}, "x"),
                    "[read_idx] x: content is 0 bytes long, the magic number alone takes 4; the file is cut "
                    "short, get it again");
  CHECK_THROWS_WITH(parse_idx(Bytes{'<', '!', 'D', 'O', 'C'}, "page.html"),
                    "[read_idx] page.html: magic number is 0x3c21444f; an IDX file begins with 0x00000801 "
                    "(labels) or 0x00000803 (images)");
  for (const Bytes& wrong :
       {Bytes{3, 8, 0, 0, 1}, {0, 0, 8, 0, 1}, {0, 0, 8, 5, 1}, {0, 0, 7, 1, 1}, {0, 1, 8, 1, 1}})
    CHECK_THROWS_WITH(parse_idx(wrong, "x"), Contains("an IDX file begins with 0x00000801"));
  CHECK_THROWS_WITH(parse_idx(Bytes{0, 0, 0x0d, 1, 0, 0, 0, 0}, "x"),
                    Contains("magic number 0x00000d01 says elements of type float; only unsigned bytes"));
  for (const unsigned char type : Bytes{0x09, 0x0b, 0x0c, 0x0e})
    CHECK_THROWS_WITH(parse_idx(Bytes{0, 0, type, 1}, "x"), Contains("says elements of type"));
  CHECK_THROWS_WITH(parse_idx(Bytes{0, 0, 8, 3, 0, 0, 0, 2}, "x"),
                    Contains("content is 8 bytes long, a header of rank 3 takes 16; the file is cut short"));
}

TEST_CASE("An IDX file that is not as long as its shape says is refused, without allocating that much") {
  Bytes bytes = images;
  bytes.pop_back();
  CHECK_THROWS_WITH(parse_idx(bytes, "x"),
                    "[read_idx] x: content is 27 bytes long, its shape (2, 2, 3) takes 16 + 12; the file is "
                    "cut short, get it again");
  bytes = images;
  bytes.push_back(0);
  CHECK_THROWS_WITH(
      parse_idx(bytes, "x"),
      "[read_idx] x: content is longer, its shape (2, 2, 3) takes 16 + 12; the file is followed by something "
      "else, get it again");
  bytes = {0, 0, 8, 1, 255, 255, 255, 255, 1};
  CHECK_THROWS_WITH(parse_idx(bytes, "x"),
                    Contains("content is 9 bytes") && Contains("takes 8 + 4294967295;"));
  bytes = {0, 0, 8, 4};
  bytes.resize(20, 255);
  CHECK_THROWS_WITH(parse_idx(bytes, "x"), Contains("shape (4294967295, 4294967295, 4294967295, 4294967295) "
                                                    "overflows; the header is corrupt"));
}

TEST_CASE("A gzip file cut short anywhere, or with any wrong byte of data, is refused") {
  const TemporaryFolder folder;
  const auto file = folder / "x.gz";
  write_gzip(file, images);
  const std::string whole = read_file(file);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    INFO("cut to " << size);
    write_atomically(file, whole.substr(0, size));
    if (size < 2)  // nothing there to tell it from a plain file
      CHECK_THROWS_WITH(read_idx(file), Contains("the magic number alone takes 4"));
    else
      CHECK_THROWS_WITH(read_idx(file), "[read_idx] " + file.string() +
                                            ": gzip stream ends early; the file is cut short, get it again");
  }
  for (std::size_t i = 10; i < whole.size(); ++i) {  // after gzip's own header
    INFO("wrong byte " << i);
    std::string wrong = whole;
    wrong[i] = static_cast<char>(wrong[i] ^ 0x55);
    write_atomically(file, wrong);
    CHECK_THROWS_AS(read_idx(file), std::runtime_error);
  }
  std::string wrong = whole;
  wrong[whole.size() - 6] = static_cast<char>(wrong[whole.size() - 6] ^ 1);  // the checksum
  write_atomically(file, wrong);
  CHECK_THROWS_WITH(read_idx(file),
                    Contains(": zlib reports a data error; the file is corrupt, get it again"));
}

TEST_CASE(
    "A file is read no further than its header announces, and not at all where it cannot hold that much") {
  const TemporaryFolder folder;
  Bytes bomb = {0, 0, 8, 1, 0, 0, 1, 44};
  bomb.resize(50'000'000);
  write_gzip(folder / "bomb.gz", bomb);
  CHECK(read_idx_content(folder / "bomb.gz").size() == 8 + 300 + 1);
  CHECK_THROWS_WITH(read_idx(folder / "bomb.gz"),
                    Contains("its shape (300) takes 8 + 300; the file is followed"));
  const Bytes announces_all = {0, 0, 8, 1, 255, 255, 255, 255, 1, 2};
  write(folder / "plain", announces_all);
  write_gzip(folder / "small.gz", announces_all);
  for (const char* name : {"plain", "small.gz"})
    CHECK_THROWS_WITH(read_idx(folder / name), Contains("shape (4294967295) does not fit in a file of "));
  write(folder / "sparse", images);
  std::filesystem::resize_file(folder / "sparse", std::uintmax_t{1} << 40);
  CHECK_THROWS_WITH(read_idx(folder / "sparse"),
                    Contains("takes 16 + 12; the file is followed by something else"));
  std::filesystem::resize_file(folder / "plain", 0);
  std::filesystem::resize_file(folder / "plain", std::uintmax_t{1} << 40);
  CHECK_THROWS_WITH(read_idx(folder / "plain"), Contains("magic number is 0x00000000"));
}

TEST_CASE("An IDX file that is missing or a folder is refused") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(read_idx(folder / "none"),
                    "[read_idx] " + (folder / "none").string() + ": does not exist; check the path");
  CHECK_THROWS_WITH(read_idx(folder.path()), Contains("[read_idx] ") && Contains("is not a regular file"));
}
