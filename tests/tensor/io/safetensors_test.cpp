#include "strata/tensor/io/safetensors.hpp"

#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>
#include <limits>

#include "strata/tensor/io/file.hpp"
#include "strata/tests/temporary_folder.hpp"
#include "strata/tests/tensor/io/safetensors_files.hpp"

using namespace strata;
using Catch::Matchers::Contains;

TEST_CASE("What is written to a safetensors file is read again") {
  const TemporaryFolder folder;
  const Tensor<float> weight = {{1.5f, -2.f, 3.25f}, {0.f, -0.f, 1e-40f}};
  const Tensor<double> bias = {0.1, 1e300};
  Safetensors written;
  written.set("weight", weight);
  written.set("bias", bias);
  written.set("step", Tensor<double>(42.0));
  written.set("empty", Tensor<float>(Shape{3, 0, 2}));
  written.set("", Tensor<float>{1.f});
  written.set("größe \"\\\n", Tensor<float>{2.f});
  written.metadata = {{"model", "vae"}, {"note", "zwei\nZeilen \"ä\""}};
  written.write(folder / "x.safetensors");

  const Safetensors read = Safetensors::read(folder / "x.safetensors");
  CHECK(read.metadata == written.metadata);
  CHECK(read.names() == std::vector<std::string>{"", "bias", "empty", "größe \"\\\n", "step", "weight"});
  CHECK(read.contains("bias"));
  CHECK_FALSE(read.contains("Bias"));
  CHECK((read.get<float>("weight") == weight));
  CHECK((read.get<double>("bias") == bias));
  CHECK(read.shape("weight") == Shape{2, 3});
  CHECK(read.dtype("weight") == "F32");
  CHECK(read.dtype("bias") == "F64");
  CHECK(read.shape("step").empty());
  CHECK(read.get<double>("step")() == 42.0);
  CHECK(read.shape("empty") == Shape{3, 0, 2});
  CHECK(read.get<float>("empty").shape() == Shape{3, 0, 2});
  CHECK(read.get<float>("größe \"\\\n")(0) == 2.f);
}

TEST_CASE("F32 and F64 convert into one another") {
  Safetensors file;
  file.set("single", Tensor<float>{0.1f, -3.f});
  file.set("double", Tensor<double>{0.1, -3.0});
  CHECK((file.get<double>("single") == Tensor<double>{static_cast<double>(0.1f), -3.0}));
  CHECK((file.get<float>("double") == Tensor<float>{0.1f, -3.f}));
}

TEST_CASE("Halves are read as the numbers they stand for") {
  const auto parsed = [](const std::string& dtype, const std::vector<std::uint16_t>& bits) {
    const std::string count = std::to_string(bits.size());
    const std::string bytes(reinterpret_cast<const char*>(bits.data()), 2 * bits.size());
    return Safetensors::parse(file_of(entry('"' + dtype + '"', '[' + count + ']',
                                            "[0," + std::to_string(bytes.size()) + ']')) +
                                  bytes,
                              "x")
        .get<float>("a");
  };
  constexpr float infinity = std::numeric_limits<float>::infinity();
  CHECK((parsed("F16", {0x3c00, 0xc000, 0x3555, 0x7bff, 0x0400, 0x03ff, 0x8001, 0x0000, 0x7c00, 0xfc00}) ==
         Tensor<float>{1.f, -2.f, 0.333251953125f, 65504.f, 0x1p-14f, 0x1.ff8p-15f, -0x1p-24f, 0.f, infinity,
                       -infinity}));
  CHECK(std::signbit(parsed("F16", {0x8000})(0)));
  CHECK(std::isnan(parsed("F16", {0x7e00})(0)));
  CHECK((parsed("BF16", {0x3f80, 0xc000, 0x4049, 0x0080, 0x7f80}) ==
         Tensor<float>{1.f, -2.f, 3.140625f, 0x1p-126f, infinity}));
}

TEST_CASE("A tensor that is not finite is named") {
  Safetensors file;
  file.set("a", Tensor<float>{1.f, std::numeric_limits<float>::max()});
  file.set("b", Tensor<double>{1e300});
  CHECK_NOTHROW(file.require_finite());
  CHECK_NOTHROW(Safetensors::parse(file_of(entry("\"I64\"", "[1]", "[0,8]"), 8), "x").require_finite());
  file.set("b", Tensor<double>{0.0, std::numeric_limits<double>::infinity()});
  CHECK_THROWS_WITH(file.require_finite(), Contains("tensor \"b\" holds NaN or infinity; "));
  file.set("a", Tensor<float>{std::numeric_limits<float>::quiet_NaN()});
  CHECK_THROWS_WITH(file.require_finite(), Contains("tensor \"a\" holds NaN or infinity; "));
  CHECK_THROWS_WITH(
      Safetensors::parse(file_of(entry("\"F16\"", "[1]", "[0,2]")) + std::string("\0\x7c", 2), "x")
          .require_finite(),
      Contains("[safetensors] x: tensor \"a\" holds NaN or infinity; "));
}

TEST_CASE("A tensor of a name already there is replaced") {
  Safetensors file;
  file.set("a", Tensor<float>{1.f, 2.f});
  file.set("a", Tensor<double>{3.0});
  CHECK(file.names().size() == 1);
  CHECK((file.get<double>("a") == Tensor<double>{3.0}));
}

TEST_CASE("Every bit of a number is kept, also of NaN and infinity") {
  const TemporaryFolder folder;
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const Tensor<float> x = {std::bit_cast<float>(0x7fc12345u), std::bit_cast<float>(0xffc00001u), infinity,
                           -infinity};
  const Tensor<double> y = {std::bit_cast<double>(0x7ff8123456789abcu), -0.0, 5e-324};
  Safetensors file;
  file.set("x", x);
  file.set("y", y);
  file.write(folder / "x");
  file = Safetensors::read(folder / "x");
  const Tensor<float> x_read = file.get<float>("x");
  const Tensor<double> y_read = file.get<double>("y");
  for (std::size_t i = 0; i < x.size(); ++i)
    CHECK(std::bit_cast<std::uint32_t>(x_read(i)) == std::bit_cast<std::uint32_t>(x(i)));
  for (std::size_t i = 0; i < y.size(); ++i)
    CHECK(std::bit_cast<std::uint64_t>(y_read(i)) == std::bit_cast<std::uint64_t>(y(i)));
}

TEST_CASE("The bytes of a file are those of the format: larger elements first, then by name, padded to 8") {
  const TemporaryFolder folder;
  Safetensors file;
  file.set("b", Tensor<float>{1.f});
  file.set("a", Tensor<float>(Shape{1, 1}, -2.f));
  file.set("c", Tensor<double>(0.5));
  file.metadata["k"] = "v";
  file.write(folder / "x");
  const std::string header = R"({"__metadata__":{"k":"v"},)"
                             R"("c":{"dtype":"F64","shape":[],"data_offsets":[0,8]},)"
                             R"("a":{"dtype":"F32","shape":[1,1],"data_offsets":[8,12]},)"
                             R"("b":{"dtype":"F32","shape":[1],"data_offsets":[12,16]}})";
  REQUIRE(header.size() == 189);
  const std::string data("\0\0\0\0\0\0\xe0\x3f\0\0\0\xc0\0\0\x80\x3f", 16);
  CHECK(read_file(folder / "x") ==
        std::string("\xc0\0\0\0\0\0\0\0", 8) + header + std::string(3, ' ') + data);

  Safetensors().write(folder / "x");
  CHECK(read_file(folder / "x") == std::string("\x08\0\0\0\0\0\0\0{}      ", 16));
  CHECK(Safetensors::read(folder / "x").names().empty());
}

TEST_CASE("Tensors of other element types are kept and written again, but not read as numbers") {
  const TemporaryFolder folder;
  const std::string content = file_of(
      R"({"n":{"dtype":"I64","shape":[1],"data_offsets":[1,9]},"m":{"dtype":"BOOL","shape":[],"data_offsets":[0,1]}})",
      9);
  write_atomically(folder / "x", content);
  const Safetensors file = Safetensors::read(folder / "x");
  CHECK(file.dtype("n") == "I64");
  CHECK(file.shape("n") == Shape{1});
  CHECK_THROWS_WITH(
      file.get<float>("n"),
      "[safetensors] " + (folder / "x").string() +
          ": tensor \"n\" has dtype I64; only F16, BF16, F32 and F64 can be read as a Tensor of that type");
  file.write(folder / "y");
  const std::string written = read_file(folder / "y");
  CHECK(written.substr(written.size() - 9) == std::string("\1\2\3\4\5\6\7\10\0", 9));
  CHECK(Safetensors::read(folder / "y").dtype("m") == "BOOL");
}

TEST_CASE("An unknown tensor's error names it, the file and what there is") {
  Safetensors file;
  CHECK_THROWS_WITH(file.get<float>("a"),
                    "[safetensors] (not from a file): has no tensor \"a\"; it has none");
  file = Safetensors::parse(file_of(bytes_at({"[0,2]", "[2,4]"}), 4), "x.safetensors");
  const std::string message = "[safetensors] x.safetensors: has no tensor \"c\"; it has \"a\", \"b\"";
  CHECK_THROWS_WITH(file.get<double>("c"), message);
  CHECK_THROWS_WITH(file.shape("c"), message);
  CHECK_THROWS_WITH(file.dtype("c"), message);
}

TEST_CASE("Writing refuses what no reader would accept, and leaves the old file") {
  const TemporaryFolder folder;
  Safetensors file;
  CHECK_THROWS_WITH(file.set("__metadata__", Tensor<float>{1.f}),
                    Contains("[safetensors] no tensor may be named"));
  file.write(folder / "x");
  const std::string old = read_file(folder / "x");
  file.set("\xff", Tensor<float>{1.f});
  CHECK_THROWS_WITH(file.write(folder / "x"), Contains("is no UTF-8; the format takes no other text"));
  CHECK(read_file(folder / "x") == old);
  file = {};
  file.metadata["k"] = std::string(10'000'001, 'x');
  CHECK_THROWS_WITH(file.write(folder / "x"), Contains("is over the limit of 10000000; shorten"));
  CHECK(read_file(folder / "x") == old);
  CHECK_THROWS_WITH(Safetensors().write(folder / "none" / "x"),
                    Contains("[safetensors] ") && Contains("cannot be written: No such file or directory; "));
}

TEST_CASE("Reading a file that is missing or a folder is refused") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(Safetensors::read(folder / "none"),
                    "[safetensors] " + (folder / "none").string() + ": does not exist; check the path");
  CHECK_THROWS_WITH(Safetensors::read(folder.path()), Contains(": is not a regular file; "));
}
