#include "strata/tensor/io/file.hpp"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <limits>

#include "strata/tests/temporary_folder.hpp"

using namespace strata;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

// While it lives, no file grows beyond `bytes`: what a full disk does.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_;
  sighandler_t handler_;
};

std::ptrdiff_t file_count(const TemporaryFolder& folder) {
  return std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator());
}

}  // namespace

TEST_CASE("A file written atomically holds the bytes, and nothing else is left in the folder") {
  const TemporaryFolder folder;
  const std::string bytes("a\0b\xff\n", 5);
  for (const std::string& content : {bytes, std::string(), std::string(3'000'000, 'x')}) {
    write_atomically(folder / "file", content);
    CHECK(read_file(folder / "file") == content);
    CHECK(file_count(folder) == 1);
  }
}

TEST_CASE("A file written atomically has the permissions of any new file") {
  const TemporaryFolder folder;
  write_atomically(folder / "file", "x");
  std::ofstream(folder / "other") << "x";
  CHECK(fs::status(folder / "file").permissions() == fs::status(folder / "other").permissions());
}

TEST_CASE("Writing atomically passes over another writer's temporary file and follows links") {
  const TemporaryFolder folder;
  write_atomically(folder / "file.tmp0", "another's");
  fs::create_symlink("file", folder / "link");
  write_atomically(folder / "file", "old");
  write_atomically(folder / "link", "new");
  CHECK(fs::is_symlink(folder / "link"));
  CHECK(read_file(folder / "file") == "new");
  CHECK(read_file(folder / "file.tmp0") == "another's");
}

TEST_CASE("Writing to a path relative to the working directory") {
  const TemporaryFolder folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  CHECK_NOTHROW(write_atomically("file", "x"));
  fs::current_path(before);
  CHECK(read_file(folder / "file") == "x");
}

TEST_CASE("A write that fails midway leaves the old file and no temporary one") {
  const TemporaryFolder folder;
  write_atomically(folder / "file", "old");
  {
    const FileSizeLimit limit(1000);
    CHECK_THROWS_WITH(write_atomically(folder / "file", std::string(5000, 'x')),
                      Contains("[write_atomically] " + (folder / "file").string() +
                               ": cannot be written: File too large; "));
  }
  CHECK(read_file(folder / "file") == "old");
  CHECK(file_count(folder) == 1);
}

TEST_CASE("A replaced file can stay as the previous generation") {
  const TemporaryFolder folder;
  const fs::path file = folder / "state.safetensors", previous = folder / "state.previous.safetensors";
  CHECK(previous_generation(file) == previous);
  for (const char* generation : {"first", "second", "third"})
    write_atomically(file, generation, "test", Replaced::kept);
  CHECK(read_file(file) == "third");
  CHECK(read_file(previous) == "second");
  CHECK(file_count(folder) == 2);
  const FileSizeLimit limit(1000);
  CHECK_THROWS_AS(write_atomically(file, std::string(5000, 'x'), "test", Replaced::kept), WriteFailure);
  CHECK(read_file(file) == "third");
  CHECK(read_file(previous) == "second");
}

TEST_CASE("Writing says what is in the way") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(write_atomically(folder / "none" / "file", "x"),
                    Contains("No such file or directory; check that its folder exists"));
  CHECK_THROWS_WITH(write_atomically(folder.path(), "x", "write_png"),
                    Contains("[write_png] ") && Contains(": is not a regular file; "));
  CHECK_THROWS_WITH(write_atomically("/dev/null", "x"), Contains("/dev/null: is not a regular file; "));
}

TEST_CASE("Reading says what is in the way") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(read_file(folder / "none"),
                    "[read_file] " + (folder / "none").string() + ": does not exist; check the path");
  CHECK_THROWS_WITH(read_file(folder.path(), "safetensors"),
                    Contains("[safetensors] ") && Contains(": is not a regular file; "));
  REQUIRE(mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK_THROWS_WITH(read_file(folder / "pipe"), Contains(": is not a regular file; "));
  CHECK_THROWS_WITH(read_file(folder / std::string(300, 'x')),
                    Contains(": cannot be opened: File name too long; "));
}

TEST_CASE("An error about a file is one line, whatever the file's name") {
  CHECK_THROWS_WITH(fail_file("read_idx", "a\nb\x7f\xc3\xa9", "is\todd; rename it"),
                    "[read_idx] a\\x0ab\\x7f\xc3\xa9: is\\x09odd; rename it");
  CHECK_THROWS_AS(fail_file("read_idx", "a", "b"), std::runtime_error);
}

TEST_CASE("Printable text commands no terminal, and is left as it is otherwise") {
  for (const char* plain : {"", "plain", "größer ± 0 → ∞", "日本語 \U0001f600", "\\x1b"})
    CHECK(printable(plain) == plain);
  CHECK(printable("\x1b[31mred\x1b]0;title\x07") == "\\x1b[31mred\\x1b]0;title\\x07");
  CHECK(printable("\xc2\x9b[31m \xc2\x80 \xc2\x9f") == "\\u009b[31m \\u0080 \\u009f");  // C1
  CHECK(printable("\u202etxt \u2066 \u200f \u2028") ==
        "\\u202etxt \\u2066 \\u200f \\u2028");                                   // direction, lines
  CHECK(printable("\x9b \xc3 \xc2\x41 \xff") == "\\x9b \\xc3 \\xc2\x41 \\xff");  // no UTF-8
  CHECK(printable("\xe0\x82\x9b \xc1\x9b") == "\\xe0\\x82\\x9b \\xc1\\x9b");     // too long for its code
  CHECK(printable(std::string_view("a\0b", 3)) == "a\\x00b");
  std::string long_one(5'000'000, 'x');
  long_one += "; a hint";
  long_one = printable(long_one);
  CHECK(long_one.size() < 1000);
  CHECK_THAT(long_one, Contains("xxx ... xxx") && Catch::Matchers::EndsWith("; a hint"));
}

TEST_CASE("A file is read piece by piece, and no further than it is long") {
  const TemporaryFolder folder;
  std::ofstream(folder / "file") << "header and data";
  InputFile input(folder / "file", "read");
  CHECK(input.size() == 15);
  CHECK(input.read(6) == "header");
  CHECK(input.read(0).empty());
  CHECK(input.read(9) == " and data");
  CHECK_THROWS_WITH(input.read(std::size_t{1} << 60),
                    Contains("[read] ") && Contains(": cannot be read in full"));
}

TEST_CASE("byte_count is the product, or nothing on overflow") {
  constexpr std::size_t huge = std::numeric_limits<std::size_t>::max();
  constexpr std::size_t most = std::numeric_limits<std::ptrdiff_t>::max();
  CHECK(byte_count(Shape{}, 8) == 8);
  CHECK(byte_count(Shape{3, 5}, 4) == 60);
  CHECK(byte_count(Shape{3, 0, 5}, 4) == 0);
  CHECK(byte_count(Shape{most}, 1) == most);
  CHECK_FALSE(byte_count(Shape{most}, 2).has_value());
  CHECK_FALSE(byte_count(Shape{huge}, 1).has_value());
  CHECK_FALSE(byte_count(Shape{std::size_t{1} << 32, std::size_t{1} << 32}, 1).has_value());
  CHECK_FALSE(byte_count(Shape{0, huge, huge}, 1).has_value());
}
