#include "strata/tools/data/download.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <sstream>

#include "strata/tests/gzip.hpp"
#include "strata/tests/temporary_folder.hpp"
#include "strata/tests/tools/data/loopback_server.hpp"

using namespace strata;
using namespace strata::tools;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

std::string sha256_of(const std::string& text) {
  return sha256({reinterpret_cast<const unsigned char*>(text.data()), text.size()});
}

std::string content_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write(const fs::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

const std::string numbers = "one two three", letters(5000, 'a');

// Two small files in MNIST's place.
DownloadOptions small_files(std::vector<std::string> mirrors) {
  return {.mirrors = std::move(mirrors),
          .files = {{"numbers", sha256_of(numbers)}, {"letters", sha256_of(letters)}},
          .limits = {.connect = std::chrono::seconds(2), .stalled = std::chrono::seconds(1), .bytes = 8192}};
}

// A server's answer to a request for numbers.gz, and to that alone.
std::map<std::string, Answer> only_numbers(const Answer& answer) { return {{"/numbers.gz", answer}}; }

std::map<std::string, Answer> good_answers() {
  return {{"/numbers.gz", {gzip(numbers)}}, {"/letters.gz", {gzip(letters)}}};
}

std::string failure(const fs::path& folder, const DownloadOptions& options) {
  try {
    download_mnist(folder, options);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  FAIL("the download succeeds");
  return "";
}

void check_both_files(const fs::path& folder) {
  CHECK(content_of(folder / "numbers.gz") == gzip(numbers));
  CHECK(content_of(folder / "letters.gz") == gzip(letters));
  CHECK(std::distance(fs::directory_iterator(folder), {}) == 2);
}

}  // namespace

TEST_CASE("SHA-256 agrees with the standard's example") {
  CHECK(sha256_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_of("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("A download makes the folder, fills it and tells what it does") {
  const TemporaryFolder temporary;
  const fs::path folder = temporary / "data" / "mnist";
  const LoopbackServer server(good_answers());
  DownloadOptions options = small_files({server.url()});
  std::ostringstream log;
  options.log = &log;
  download_mnist(folder, options);
  check_both_files(folder);
  CHECK(log.str() ==
        "downloading " + server.url() + "numbers.gz\ndownloading " + server.url() + "letters.gz\n");
}

TEST_CASE("A good file, plain or compressed, is not transferred again") {
  const TemporaryFolder folder;
  const LoopbackServer server(good_answers());
  write(folder / "numbers", numbers);
  download_mnist(folder.path(), small_files({server.url()}));
  CHECK(server.requests() == 1);
  CHECK(content_of(folder / "letters.gz") == gzip(letters));
  CHECK_FALSE(fs::exists(folder / "numbers.gz"));
  download_mnist(folder.path(), small_files({server.url()}));
  CHECK(server.requests() == 1);
}

TEST_CASE("A file with another content is kept and named before any transfer") {
  const TemporaryFolder folder;
  const LoopbackServer server(good_answers());
  write(folder / "letters.gz", gzip("mine"));
  const std::string message = failure(folder.path(), small_files({server.url()}));
  CHECK_THAT(message, Contains("[download_mnist]") && Contains("letters.gz: ") &&
                          Contains("SHA-256 " + sha256_of("mine")) &&
                          Contains("expected " + sha256_of(letters)) && Contains("; move it away"));
  CHECK(content_of(folder / "letters.gz") == gzip("mine"));
  CHECK(server.requests() == 0);
}

TEST_CASE("A mirror that fails is followed by the next, and a redirection is followed") {
  const std::string whole = gzip(numbers);
  const auto [fault, answer] = GENERATE_COPY(table<std::string, Answer>(
      {{"not there", {.status = 404}},
       {"server error", {.body = "busy", .status = 503}},
       {"another content", {.body = gzip("something else")}},
       {"no gzip", {.body = "<html>Please log in</html>"}},
       {"nothing", {.body = ""}},
       {"half a gzip", {.body = whole.substr(0, whole.size() / 2)}},
       {"two gzip streams", {.body = whole + gzip("more")}},
       {"broken transfer", {.body = whole.substr(0, 8), .missing_bytes = whole.size() - 8}},
       {"too long", {.body = std::string(10'000, 'x')}},
       {"too long when uncompressed", {.body = gzip(std::string(10'000, 'x'))}},
       {"another protocol", {.status = 302, .location = "file:///etc/hostname"}},
       {"endless redirections", {.status = 302, .location = "/numbers.gz"}}}));
  INFO(fault);
  const TemporaryFolder folder;
  const LoopbackServer bad(only_numbers(answer));
  auto redirected = good_answers();
  redirected["/moved.gz"] = redirected["/numbers.gz"];
  redirected["/numbers.gz"] = {.status = 301, .location = "/moved.gz"};
  const LoopbackServer good(redirected);
  download_mnist(folder.path(), small_files({bad.url(), good.url()}));
  check_both_files(folder.path());
}

TEST_CASE("When every mirror fails, the message has each one's reason and the folder stays as it was") {
  const TemporaryFolder temporary;
  const fs::path folder = temporary / "mnist";
  const std::string whole = gzip(numbers);
  const LoopbackServer lacking({});
  const LoopbackServer wrong(only_numbers({.body = gzip("mine")}));
  const LoopbackServer page(only_numbers({.body = "<html>"}));
  const LoopbackServer half(only_numbers({.body = whole.substr(0, 20)}));
  const LoopbackServer broken(only_numbers({.body = whole.substr(0, 20), .missing_bytes = 5}));
  const LoopbackServer long_one(only_numbers({.body = std::string(10'000, 'x')}));
  const std::string message =
      failure(folder, small_files({lacking.url(), wrong.url(), page.url(), half.url(), broken.url(),
                                   long_one.url(), "ftp://127.0.0.1/", "http://127.0.0.1:1/"}));
  CHECK_THAT(message, Contains("[download_mnist] numbers.gz: no mirror delivers it: "));
  CHECK_THAT(message, Contains(lacking.url() + " (HTTP status 404)"));
  CHECK_THAT(message, Contains(wrong.url() + " (its uncompressed content has SHA-256 " + sha256_of("mine") +
                               ", expected " + sha256_of(numbers) + ")"));
  CHECK_THAT(message, Contains(page.url() + " (not gzip data)"));
  CHECK_THAT(message, Contains(half.url() + " (gzip data end too early)"));
  CHECK_THAT(message, Contains(broken.url() + " (transfer closed with 5 bytes remaining to read)"));
  CHECK_THAT(message, Contains(long_one.url() + " (longer than the limit of 8192 bytes)"));
  CHECK_THAT(message, Contains("ftp://127.0.0.1/ (Protocol \"ftp\""));
  CHECK_THAT(message, Contains("http://127.0.0.1:1/ (Failed to connect"));
  CHECK_THAT(message, Contains("; check the connection") && !Contains("\n"));
  CHECK_FALSE(fs::exists(folder));
  CHECK_THAT(failure(folder, small_files({})), Contains("none given"));
}

TEST_CASE("A transfer that takes too long in all is given up") {
  const TemporaryFolder folder;
  const LoopbackServer slow(
      only_numbers({.body = gzip(numbers).substr(0, 20), .missing_bytes = 5, .stall = true}));
  DownloadOptions options = small_files({slow.url()});
  options.limits.stalled = std::chrono::seconds(60);
  options.limits.total = std::chrono::seconds(1);
  CHECK_THAT(failure(folder.path(), options), Contains("timed out"));
}

TEST_CASE("A stalled transfer is given up") {
  const TemporaryFolder folder;
  const LoopbackServer stalled(
      only_numbers({.body = gzip(numbers).substr(0, 20), .missing_bytes = 5, .stall = true}));
  CHECK_THAT(failure(folder.path(), small_files({stalled.url()})), Contains("too slow"));
  CHECK(fs::is_empty(folder.path()));
}

TEST_CASE("A failure leaves the files that came before it, whole") {
  const TemporaryFolder folder;
  const LoopbackServer server(only_numbers({.body = gzip(numbers)}));
  CHECK_THAT(failure(folder.path(), small_files({server.url()})), Contains("letters.gz: no mirror"));
  CHECK(content_of(folder / "numbers.gz") == gzip(numbers));
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
}
