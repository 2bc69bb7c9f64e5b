#include <catch2/catch.hpp>

#include "strata/tensor/io/safetensors.hpp"
#include "strata/tests/temporary_folder.hpp"
#include "strata/tests/tensor/io/safetensors_files.hpp"

using namespace strata;
using Catch::Matchers::Contains;

namespace {

// parse must refuse this with one line that names the file and has a hint.
void check_refused(const std::string& content, const std::string& fact) {
  INFO(content.substr(0, 300));
  CHECK_THROWS_WITH(
      Safetensors::parse(content, "x.safetensors"),
      Catch::Matchers::StartsWith("[safetensors] x.safetensors: ") && Contains(fact) && Contains("; "));
}

}  // namespace

TEST_CASE("A header of wrong length or that is no JSON object is refused") {
  check_refused("", "file is 0 bytes long, the header's length alone takes 8");
  check_refused("1234567", "file is 7 bytes long");
  check_refused(std::string("\x01\xe1\xf5\x05\0\0\0\0{}", 10), "header length 100000001 is over the limit");
  check_refused(std::string(16, '\xff'),
                "header length 18446744073709551615 is over the limit of 10000000 bytes");
  check_refused(std::string("\x03\0\0\0\0\0\0\0{}", 10),
                "file is 10 bytes long, its header alone takes 8 + 3");
  for (const char* header : {"", " {}", "[]", "\xef\xbb\xbf{}"})
    check_refused(file_of(header), "header does not begin with '{'");
  check_refused(file_of("{} x"), "header is no valid JSON from its byte 4 on");
  check_refused(file_of("{\"a"), "header is no valid JSON");
  check_refused(file_of("{\"\xff\":{}}"), "header is no valid JSON");
  check_refused(file_of("{} // comment"), "header is no valid JSON");
  check_refused(file_of(std::string("{}\0x", 4)), "header holds a zero byte at 2");
  check_refused(file_of(R"({"a":1e999})"), "header holds a number out of range");
  check_refused(file_of(R"({"a":{"b":{}}})"), "tensor \"a\" is described otherwise");
  check_refused(file_of(R"({"a":{"dtype":{}}})"), "tensor \"a\" has a dtype that is no string");
  check_refused(file_of("{\"a\":{\"shape\":" + std::string(1'000'000, '[')), "has a shape that is no list");
  check_refused(file_of(R"({"a":{"shape":[{"b":1}]}})"), "has a shape that is no list");
}

TEST_CASE("Duplicate keys are refused at every level") {
  const std::string one = R"({"dtype":"U8","shape":[],"data_offsets":[0,1]})";
  check_refused(file_of(R"({"a":)" + one + R"(,"a":)" + one + "}", 1), "header has the key \"a\" twice");
  check_refused(file_of(R"({"a":)" + one + R"(,"\u0061":)" + one + "}", 1), "header has the key \"a\" twice");
  check_refused(file_of(R"({"a":{"dtype":"U8","dtype":"U8","shape":[],"data_offsets":[0,1]}})", 1),
                "header has the key \"dtype\" twice");
  check_refused(file_of(R"({"__metadata__":{"k":"v","k":"v"}})"), "header has the key \"k\" twice");
  check_refused(file_of(R"({"__metadata__":{},"__metadata__":{}})"),
                "header has the key \"__metadata__\" twice");
  // The same key in different objects is none.
  CHECK_NOTHROW(
      Safetensors::parse(file_of(R"({"dtype":)" + one + R"(,"__metadata__":{"dtype":""}})", 1), "x"));
}

TEST_CASE("A header of very many entries is read or refused at no more cost than its length") {
  const auto header_of = [](std::size_t count, const std::string& value) {
    std::string header;
    for (std::size_t i = 0; i < count; ++i)
      header += (header.empty() ? "{\"" : ",\"") + std::to_string(i) + "\":" + value;
    return header + "}";
  };
  const std::string empty = R"({"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  CHECK(Safetensors::parse(file_of(header_of(50'000, empty)), "x").names().size() == 50'000);
  check_refused(file_of(R"({"__metadata__":)" + header_of(100'001, "\"\"") + "}"),
                "more than 100,000 entries");
  std::string ones = "1";
  for (int i = 0; i < 64; ++i) ones += ",1";
  check_refused(file_of(entry("\"U8\"", "[" + ones + "]", "[0,1]"), 1), "tensor \"a\" has more than 64 axes");
}

TEST_CASE("Data are read only where the header describes exactly so many") {
  const TemporaryFolder folder;
  write_atomically(folder / "x", file_of(bytes_at({"[0,2]"}), 2));
  CHECK(Safetensors::read(folder / "x").names().size() == 1);
  std::filesystem::resize_file(folder / "x", std::uintmax_t{1} << 40);  // on disk: nothing more
  CHECK_THROWS_WITH(Safetensors::read(folder / "x"), Contains("its tensors take 2; the file is followed"));
}

TEST_CASE("Metadata other than strings is refused") {
  check_refused(file_of(R"({"__metadata__":"v"})"), "__metadata__ is no object");
  check_refused(file_of(R"({"__metadata__":[]})"), "__metadata__ is no object");
  for (const char* value : {"1", "null", "true", "[]"})
    check_refused(file_of(std::string(R"({"__metadata__":{"k":)") + value + "}}"),
                  "__metadata__ \"k\" is no string");
}

TEST_CASE("An entry that describes no tensor is refused") {
  for (const char* value : {"1", "[]", "{}", R"({"dtype":"U8","shape":[]})",
                            R"({"dtype":"U8","shape":[],"data_offsets":[0,1],"x":1})"})
    check_refused(file_of(std::string(R"({"a":)") + value + "}", 1), "tensor \"a\" is described otherwise");
  check_refused(file_of(entry("1", "[]", "[0,1]"), 1), "tensor \"a\" has a dtype that is no string");
  check_refused(file_of(entry("\"f32\"", "[]", "[0,4]"), 4), "tensor \"a\" has the unknown dtype \"f32\"");
  for (const char* shape :
       {"2", "null", "[-2]", "[2.0]", "[\"2\"]", "[true]", "[-0]", "[18446744073709551616]"})
    check_refused(file_of(entry("\"U8\"", shape, "[0,2]"), 2), "has a shape that is no list of non-negative");
  for (const char* offsets : {"2", "[]", "[0]", "[0,1,2]", "[0,2.0]", "[-1,1]", "[0,\"2\"]"})
    check_refused(file_of(entry("\"U8\"", "[2]", offsets), 2),
                  "has data_offsets that are no two non-negative");
}

TEST_CASE("A tensor's bytes must be those of its shape, which may not overflow") {
  for (const char* shape : {"[4294967296,4294967296]", "[18446744073709551615]", "[4611686018427387904]",
                            "[0,4294967296,4294967296]"})
    check_refused(file_of(entry("\"F32\"", shape, "[0,0]")), "has a shape that overflows, (");
  check_refused(file_of(entry("\"F32\"", "[2,3]", "[0,20]"), 20),
                "tensor \"a\" takes 24 bytes as F32 (2, 3), its data_offsets are [0, 20)");
  check_refused(file_of(entry("\"U8\"", "[2]", "[3,1]"), 3),
                "takes 2 bytes as U8 (2), its data_offsets are [3, 1)");
  check_refused(file_of(entry("\"U8\"", "[]", "[1,0]"), 1), "data_offsets are [1, 0)");
}

TEST_CASE("The tensors must tile the data exactly") {
  CHECK_NOTHROW(Safetensors::parse(file_of(bytes_at({"[2,4]", "[0,2]", "[4,6]"}), 6), "x"));
  check_refused(file_of(bytes_at({"[0,2]", "[3,5]"}), 5),
                "tensor \"b\" begins at byte 3 of the data, leaving a hole");
  check_refused(file_of(bytes_at({"[1,3]"}), 3), "tensor \"a\" begins at byte 1 of the data, leaving a hole");
  check_refused(file_of(bytes_at({"[0,2]", "[1,3]"}), 3),
                "tensor \"b\" begins at byte 1 of the data, overlapping");
  check_refused(file_of(bytes_at({"[0,2]", "[0,2]"}), 2),
                "tensor \"b\" begins at byte 0 of the data, overlapping");
  check_refused(file_of(bytes_at({"[0,2]"}), 1),
                "data is 1 bytes long, its tensors take 2; the file is cut short");
  check_refused(file_of(bytes_at({"[0,2]"}), 3),
                "data is 3 bytes long, its tensors take 2; the file is followed");
  check_refused(file_of("{}", 1), "data is 1 bytes long, its tensors take 0");
}

TEST_CASE("A damaged file is read or refused, whatever the damage") {
  const std::string whole = file_of(
      R"({"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[8,16]},)"
      R"("b":{"dtype":"F64","shape":[],"data_offsets":[0,8]},"c":{"dtype":"F32","shape":[0],"data_offsets":[16,16]}})",
      16);
  const auto survives = [](const std::string& content) {
    try {
      const Safetensors file = Safetensors::parse(content, "x");
      for (const std::string& name : file.names())
        if (file.dtype(name).starts_with("F") && !file.dtype(name).starts_with("F8")) file.get<double>(name);
    } catch (const std::runtime_error& error) {
      return std::string_view(error.what()).starts_with("[safetensors] x: ");
    }
    return true;
  };
  REQUIRE_NOTHROW(Safetensors::parse(whole, "x"));
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK_THROWS_AS(Safetensors::parse(whole.substr(0, size), "x"), std::runtime_error);
  bool all = true;
  for (std::size_t i = 0; i < whole.size(); ++i)
    for (int value = 0; value < 256; ++value) {
      std::string damaged = whole;
      damaged[i] = static_cast<char>(value);
      all = all && survives(damaged) && survives(damaged.erase(i, 1));
    }
  CHECK(all);
}
