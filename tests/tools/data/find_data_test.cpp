#include "strata/tools/data/find_data.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <numeric>
#include <sstream>

#include "strata/tests/gzip.hpp"
#include "strata/tests/temporary_folder.hpp"
#include "strata/tests/tools/data/idx_files.hpp"
#include "strata/tests/tools/data/loopback_server.hpp"

using namespace strata;
using namespace strata::tools;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

// STRATA_MNIST_DIR as this test wants it, and as it was afterwards.
class Environment {
 public:
  explicit Environment(const std::optional<std::string>& value) {
    if (const char* old = std::getenv(name)) old_ = old;
    set(value);
  }
  ~Environment() { set(old_); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  static constexpr const char* name = "STRATA_MNIST_DIR";
  static void set(const std::optional<std::string>& value) {
    value ? setenv(name, value->c_str(), 1) : unsetenv(name);
  }
  std::optional<std::string> old_;
};

// A working folder of this test's own, with STRATA_MNIST_DIR unset.
class Workplace {
 public:
  Workplace() { fs::current_path(folder_.path()); }
  ~Workplace() { fs::current_path(old_); }
  Workplace(const Workplace&) = delete;
  Workplace& operator=(const Workplace&) = delete;

 private:
  TemporaryFolder folder_;
  fs::path old_ = fs::current_path();
  Environment unset_{std::nullopt};
};

std::string idx(const std::vector<unsigned>& shape, unsigned char value) {
  const unsigned count = std::accumulate(shape.begin(), shape.end(), 1u, std::multiplies<>());
  return idx_bytes(shape, std::string(count, static_cast<char>(value)));
}

void write(const fs::path& path, const std::string& content) {
  fs::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << content;
}

const Tensor<std::uint8_t>& images_of(const Dataset& data) {
  return std::get<Tensor<std::uint8_t>>(data.examples);
}

// A data set of 3 + 2 images; `label` tells apart the sets of one test.
void write_set(const fs::path& folder, unsigned char label) {
  write(folder / "train-images-idx3-ubyte", idx({3, 28, 28}, 200));
  write(folder / "train-labels-idx1-ubyte", idx({3}, label));
  write(folder / "t10k-images-idx3-ubyte", idx({2, 28, 28}, 100));
  write(folder / "t10k-labels-idx1-ubyte", idx({2}, label));
}

// Nothing to be had from outside the working folder.
DataSearch offline() {
  DataSearch options{.download = false, .fashion = "fashion"};
  options.source.mirrors = {};
  return options;
}

DataSearch from(const fs::path& folder) {
  DataSearch options = offline();
  options.data = folder;
  return options;
}

std::string failure(const DataSearch& options) {
  try {
    find_data(options);
  } catch (const std::runtime_error& error) {
    CHECK_THAT(error.what(), !Contains("\n"));
    return error.what();
  }
  FAIL("the data load");
  return "";
}

}  // namespace

TEST_CASE("The folder given comes before STRATA_MNIST_DIR, then data/mnist, then Fashion-MNIST") {
  const Workplace here;
  const auto loaded_label = [](const DataSearch& options) -> std::string {
    return find_data(options).labels[0];
  };
  write_set("fashion", 4);
  CHECK(loaded_label(offline()) == "4");
  write_set("data/mnist", 3);
  CHECK(loaded_label(offline()) == "3");
  write_set("named", 2);
  const Environment named("named");
  CHECK(loaded_label(offline()) == "2");
  write_set("given", 1);
  CHECK(loaded_label(from("given")) == "1");
  const Environment empty("");
  CHECK(loaded_label(offline()) == "3");
}

TEST_CASE("A named folder without the files is an error though other data are there") {
  const Workplace here;
  write_set("data/mnist", 3);
  CHECK(failure(from("nowhere")) == "[data] nowhere: no such folder or file; check the path");
  write_set("part", 3);
  fs::remove("part/t10k-images-idx3-ubyte");
  const Environment part("part");
  CHECK(failure(offline()) == "[data] part: lacks t10k-images-idx3-ubyte (plain or .gz) for its labels");
}

TEST_CASE("Without any data the message tells what was tried") {
  const Workplace here;
  CHECK_THAT(failure(offline()),
             Contains("[data] data/mnist: no such folder, and downloading is off; nor is Fashion-MNIST "
                      "there (fashion: no such folder); name a folder with images by --data"));
  DataSearch online = offline();
  online.download = true;
  CHECK_THAT(failure(online), Contains("the download failed: [download_mnist] train-images-idx3-ubyte.gz: no "
                                       "mirror delivers it: none given"));
}

TEST_CASE("A failed download is logged and leaves Fashion-MNIST to stand in") {
  const Workplace here;
  write_set("fashion", 4);
  const LoopbackServer server({});
  DataSearch options = offline();
  std::ostringstream log;
  options.download = true;
  options.source.mirrors = {server.url()};
  options.source.log = &log;
  CHECK(find_data(options).path == "fashion");
  CHECK(server.requests() == 1);
  CHECK_THAT(log.str(), Contains("HTTP status 404") && Contains("Fashion-MNIST stands in"));
  CHECK_FALSE(fs::exists("data"));
}

TEST_CASE("A partial data/mnist is completed by a download") {
  const Workplace here;
  write_set("data/mnist", 3);
  const std::string content = idx({2}, 3), labels = "data/mnist/t10k-labels-idx1-ubyte";
  fs::remove(labels);
  const LoopbackServer server({{"/t10k-labels-idx1-ubyte.gz", {gzip(content)}}});
  DataSearch options = offline();
  options.download = true;
  options.source.mirrors = {server.url()};
  options.source.files = {{"t10k-labels-idx1-ubyte",
                           sha256({reinterpret_cast<const unsigned char*>(content.data()), content.size()})}};
  const ImageData data = find_data(options);
  CHECK(data.name == "mnist");
  CHECK(data.labels == std::vector<std::string>{"3"});
  CHECK(fs::exists(labels + ".gz"));
}

TEST_CASE("A wrong file in data/mnist is an error, not a reason for other data") {
  const Workplace here;
  write_set("fashion", 4);
  write_set("data/mnist", 3);
  fs::remove("data/mnist/t10k-labels-idx1-ubyte");
  DataSearch options = offline();
  options.download = true;
  CHECK_THAT(failure(options),
             Contains("data/mnist/train-images-idx3-ubyte: its uncompressed content has SHA-256"));
}

TEST_CASE("MNIST itself is recognised") {
  if (std::getenv("STRATA_MNIST_DIR") == nullptr) {
    WARN("skipped: STRATA_MNIST_DIR does not name a folder with MNIST");
    return;
  }
  const ImageData data = find_data();
  CHECK(data.name == "MNIST");
  CHECK((images_of(data.train).shape() == Shape{60'000, 28, 28}));
  CHECK((images_of(data.test).shape() == Shape{10'000, 28, 28}));
  CHECK((*data.train.labels)(0) == 5);
}
