#include "strata/tensor/io/numpy.hpp"

#include <catch2/catch.hpp>
#include <cstdint>
#include <limits>

#include "strata/tests/numpy_files.hpp"
#include "strata/tests/temporary_folder.hpp"

using namespace strata;
using Catch::Matchers::Contains;

namespace {

class Files {
 public:
  std::filesystem::path write(const std::string& name, const std::string& bytes) const {
    write_atomically(folder_ / name, bytes);
    return folder_ / name;
  }
  NumpyArray read(const std::string& bytes) const { return NumpyArray::read(write("x.npy", bytes)); }
  std::string failure(const std::string& bytes) const {
    try {
      read(bytes);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    FAIL("it is read");
    return "";
  }

 private:
  TemporaryFolder folder_;
};

template <class... T> std::string bytes_of(T... values) {
  std::string bytes;
  (bytes.append(reinterpret_cast<const char*>(&values), sizeof values), ...);
  return bytes;
}

}  // namespace

TEST_CASE("A NumPy array is read in C and in Fortran order, of either byte order") {
  const Files files;
  const Tensor<float> expected = {{0, 1, 2}, {3, 4, 5}};
  const auto c = files.read(npy("<f4", "(2, 3)", bytes_of(0.f, 1.f, 2.f, 3.f, 4.f, 5.f)));
  CHECK((c.get<float>() == expected));
  CHECK(c.floating());
  CHECK((files.read(npy("<f4", "(2, 3)", bytes_of(0.f, 3.f, 1.f, 4.f, 2.f, 5.f), "True")).get<float>() ==
         expected));
  CHECK((files.read(npy(">u2", "(2,)", std::string("\1\2\0\3", 4))).get<std::int64_t>() ==
         Tensor<std::int64_t>{258, 3}));
  Tensor<std::uint8_t> deep = Tensor<std::uint8_t>::from_shape({2, 3, 4});
  std::string columns(24, '\0');
  for (std::size_t i = 0; i < 24; ++i) {
    deep.data()[i] = static_cast<std::uint8_t>(i);
    columns[i / 12 + i / 4 % 3 * 2 + i % 4 * 6] = static_cast<char>(i);
  }
  CHECK((files.read(npy("|u1", "(2, 3, 4)", columns, "True")).get<std::uint8_t>() == deep));
}

TEST_CASE("A NumPy array is given as the type that is asked for, where that holds its elements") {
  const Files files;
  CHECK((files.read(npy("<f8", "(2,)", bytes_of(0.25, -3.0))).get<float>() == Tensor<float>{0.25f, -3.f}));
  CHECK((files.read(npy("<i8", "(2,)", bytes_of(std::int64_t{7}, std::int64_t{255}))).get<std::uint8_t>() ==
         Tensor<std::uint8_t>{7, 255}));
  CHECK((files.read(npy("|b1", "(2,)", bytes_of(true, false))).get<std::uint8_t>() ==
         Tensor<std::uint8_t>{1, 0}));
  CHECK((files.read(npy("<f8", "(1,)", bytes_of(-5.0))).get<std::int64_t>() == Tensor<std::int64_t>{-5}));
  CHECK(files.read(npy("|u1", "()", "\7")).get<std::uint8_t>()() == 7);
  CHECK(files.read(npy("|u1", "(0, 28)", "")).get<std::uint8_t>().size() == 0);
  const auto refused = [&](const std::string& type, const std::string& data) {
    return files.read(npy(type, "(1,)", data));
  };
  CHECK_THROWS_WITH(refused("<i4", bytes_of(256)).get<std::uint8_t>(),
                    Contains("x.npy: element 0 is 256, but whole numbers from 0 to 255"));
  CHECK_THROWS(refused("|i1", bytes_of(std::int8_t{-1})).get<std::uint8_t>());
  CHECK_THROWS(refused("<f4", bytes_of(0.5f)).get<std::int64_t>());
  CHECK_THROWS(refused("<f8", bytes_of(0x1p63)).get<std::int64_t>());
  CHECK_THROWS(refused("<f8", bytes_of(std::numeric_limits<double>::quiet_NaN())).get<std::int64_t>());
}

TEST_CASE("NumPy files of other content are named in one line") {
  const Files files;
  const std::string good = npy("<f4", "(2, 3)", std::string(24, '\0'));
  CHECK_THAT(
      files.failure(npy("|O", "(3,)", "\x80\4.")),
      Contains("[read_numpy] ") && Contains("x.npy") && Contains("pickled Python objects (dtype object)"));
  CHECK_THAT(files.failure("\x80\4\x95 a pickle"), Contains("is a Python pickle, which is never loaded"));
  CHECK_THAT(files.failure(npy("<c8", "(3,)", std::string(24, '\0'))), Contains("elements of type '<c8'"));
  CHECK_THAT(files.failure(npy("<U5", "(1,)", std::string(20, '\0'))), Contains("elements of type '<U5'"));
  CHECK_THAT(files.failure(good.substr(0, good.size() - 1)), Contains("(2, 3)") && Contains("cut short"));
  CHECK_THAT(files.failure(good + "x"), Contains("25 bytes that follow"));
  for (const std::size_t size : {0, 5, 9, 11, 40}) CHECK_NOTHROW(files.failure(good.substr(0, size)));
  CHECK_THAT(files.failure("<html>not an array</html>"), Contains("does not begin as a NumPy array"));
  // What would take more memory than there is.
  CHECK_THAT(files.failure(npy("<f8", "(4294967296, 4294967296, 4294967296)", "")), Contains("cut short"));
  CHECK_THAT(files.failure(npy("<f8", "(1000000000, 1000)", "")), Contains("cut short"));
  std::string long_header = good;
  long_header[9] = '\xff';
  CHECK_THAT(files.failure(long_header), Contains("its header is announced to have 65"));
  for (const char* shape : {"(2, 3", "(2; 3)", "(-1,)", "2", "(2.0,)"})
    CHECK_THAT(files.failure(npy("<f4", shape, std::string(24, '\0'))),
               Contains("header is none of NumPy's"));
}

TEST_CASE("A .npz file gives its arrays, stored or deflated") {
  const Files files;
  for (const bool deflated : {true, false}) {
    const auto file = files.write(
        "x.npz", npz({{"x_train.npy", npy("|u1", "(3,)", "abc")}, {"deep/y.npy", npy("|u1", "(1, 1)", "z")}},
                     deflated));
    const ZipArchive archive(file);
    CHECK((archive.names() == std::vector<std::string>{"deep/y.npy", "x_train.npy"}));
    CHECK((NumpyArray::read(file, archive, "x_train.npy").get<std::uint8_t>() ==
           Tensor<std::uint8_t>{'a', 'b', 'c'}));
    CHECK((NumpyArray::read(file, archive, "deep/y.npy").shape() == Shape{1, 1}));
    CHECK_THROWS_WITH(archive.open("x"), Contains("[read_zip] ") && Contains("has no member 'x'"));
  }
}

TEST_CASE("Archives that are corrupt, cut short or not plausible are refused before memory is taken") {
  const Files files;
  const std::string content = npy("|u1", "(300,)", std::string(300, 'a'));
  const auto failure = [&](const std::string& bytes) -> std::string {
    const auto file = files.write("x.npz", bytes);
    try {
      const ZipArchive archive(file);
      for (const std::string& name : archive.names()) NumpyArray::read(file, archive, name);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  };
  for (const bool deflated : {true, false}) {
    const std::string good = npz({{"a.npy", content}}, deflated);
    CHECK(failure(good).empty());
    for (std::size_t size = 0; size < good.size(); ++size) {
      INFO(size);
      CHECK_FALSE(failure(good.substr(0, size)).empty());
    }
    std::string encrypted = good;
    encrypted[good.find("PK\1\2") + 8] = 1;
    CHECK_THAT(failure(encrypted), Contains("a.npy: is encrypted"));
    std::string huge = good;
    huge[good.find("PK\1\2") + 27] = '\x7f';  // its size, of four bytes from 24 on
    CHECK_THAT(failure(huge), Contains("announces 21") && Contains("not plausible"));
    std::string beyond = good;
    beyond[good.find("PK\1\2") + 45] = '\x7f';  // where it begins
    CHECK_THAT(failure(beyond), Contains("a member lies outside the file"));
    std::string bzip = good;
    bzip[good.find("PK\1\2") + 10] = 12;
    CHECK_THAT(failure(bzip), Contains("is compressed by method 12"));
  }
  std::string stored = npz({{"a.npy", content}}, false);
  stored[stored.find("PK\1\2") - 2] ^= 1;
  CHECK_THAT(failure(stored), Contains("its checksum is another"));
  CHECK_THAT(failure(npz({{"a.npy", "x"}, {"a.npy", "y"}})), Contains("two members have one name"));
  CHECK_THAT(failure("PK but nothing else"), Contains("no ZIP archive ends here"));
}
