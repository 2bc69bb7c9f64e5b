#include "strata/tools/data/mnist.hpp"

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
MnistOptions offline() {
  MnistOptions options{.download = false, .fashion = "fashion"};
  options.source.mirrors = {};
  return options;
}

MnistOptions from(const fs::path& folder) {
  MnistOptions options = offline();
  options.data = folder;
  return options;
}

std::string failure(const MnistOptions& options) {
  try {
    load_mnist(options);
  } catch (const std::runtime_error& error) {
    CHECK_THAT(error.what(), !Contains("\n"));
    return error.what();
  }
  FAIL("the data load");
  return "";
}

}  // namespace

TEST_CASE("A data set loads with its name, its folder and its values") {
  const Workplace here;
  write_set("digits", 7);
  for (const char* spelling : {"digits", "digits/", "./digits"})
    CHECK(load_mnist(from(spelling)).name == "digits");
  const Mnist mnist = load_mnist(from("digits"));
  CHECK((images_of(mnist.train) == Tensor<std::uint8_t>(Shape{3, 28, 28}, 200)));
  CHECK((*mnist.train.labels == Tensor<std::uint8_t>(Shape{3}, 7)));
  CHECK((images_of(mnist.test) == Tensor<std::uint8_t>(Shape{2, 28, 28}, 100)));
  CHECK((*mnist.test.labels == Tensor<std::uint8_t>(Shape{2}, 7)));
  CHECK(describe(mnist) == "digits from digits: 3 training and 2 test images");
}

TEST_CASE("Names may have a dot where MNIST's have a hyphen, and own images no labels") {
  const Workplace here;
  write_set("own", 7);
  for (const std::string name :
       {"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte"}) {
    std::string dotted = name;
    dotted[dotted.find("-idx")] = '.';
    fs::rename("own/" + name, "own/" + dotted);
  }
  fs::remove("own/t10k-labels-idx1-ubyte");
  const Mnist mnist = load_mnist(from("own"));
  CHECK(fs::exists("own/train-images.idx3-ubyte"));
  CHECK((*mnist.train.labels)(0) == 7);
  CHECK(mnist.train.classes == 10);
  CHECK(mnist.test.size() == 2);
  CHECK_FALSE(mnist.test.labels.has_value());
  CHECK(mnist.test.classes == 0);
}

TEST_CASE("Bytes of 0 and 1 are black and white, and it is said") {
  const Workplace here;
  write_set("binary", 7);
  write("binary/train-images-idx3-ubyte", idx({3, 28, 28}, 1));
  write("binary/t10k-images-idx3-ubyte", idx({2, 28, 28}, 0));
  MnistOptions options = from("binary");
  std::ostringstream log;
  options.source.log = &log;
  const Mnist mnist = load_mnist(options);
  CHECK((images_of(mnist.train) == Tensor<std::uint8_t>(Shape{3, 28, 28}, 255)));
  CHECK((images_of(mnist.test) == Tensor<std::uint8_t>(Shape{2, 28, 28}, 0)));
  CHECK_THAT(log.str(),
             Contains("binary: no byte of train-images-idx3-ubyte is above 1; 0 is taken as black"));
  CHECK_THAT(log.str(), !Contains("t10k"));
  log.str("");
  write("binary/train-images-idx3-ubyte", idx({3, 28, 28}, 2));
  CHECK((images_of(load_mnist(options).train) == Tensor<std::uint8_t>(Shape{3, 28, 28}, 2)));
  CHECK(log.str().empty());
}

TEST_CASE("A data set's name and folder command no terminal") {
  const Workplace here;
  write_set("\x1b[31mred", 7);
  const Mnist mnist = load_mnist(from("\x1b[31mred"));
  CHECK(describe(mnist) == "\\x1b[31mred from \\x1b[31mred: 3 training and 2 test images");
}

TEST_CASE("A description groups the digits of large counts") {
  Mnist mnist{.name = "MNIST", .folder = "data/mnist", .train = {}, .test = {}};
  mnist.train.examples = Tensor<std::uint8_t>(Shape{60'000, 1});
  mnist.test.examples = Tensor<std::uint8_t>(Shape{1'234'567, 1});
  CHECK(describe(mnist) == "MNIST from data/mnist: 60,000 training and 1,234,567 test images");
}

TEST_CASE("The folder given comes before STRATA_MNIST_DIR, then data/mnist, then Fashion-MNIST") {
  const Workplace here;
  const auto loaded_label = [](const MnistOptions& options) {
    return (*load_mnist(options).train.labels)(0);
  };
  write_set("fashion", 4);
  CHECK(loaded_label(offline()) == 4);
  write_set("data/mnist", 3);
  CHECK(loaded_label(offline()) == 3);
  write_set("named", 2);
  const Environment named("named");
  CHECK(loaded_label(offline()) == 2);
  write_set("given", 1);
  CHECK(loaded_label(from("given")) == 1);
  const Environment empty("");
  CHECK(loaded_label(offline()) == 3);
}

TEST_CASE("A named folder without the files is an error though other data are there") {
  const Workplace here;
  write_set("data/mnist", 3);
  CHECK(failure(from("nowhere")) ==
        "[load_mnist] nowhere: no such folder; --data must name a folder with MNIST's four IDX files");
  write_set("part", 3);
  fs::remove("part/t10k-images-idx3-ubyte");
  fs::remove("part/t10k-labels-idx1-ubyte");
  const Environment part("part");
  CHECK(failure(offline()) ==
        "[load_mnist] part: lacks t10k-images-idx3-ubyte (plain or .gz); "
        "STRATA_MNIST_DIR must name a folder with MNIST's four IDX files");
}

TEST_CASE("Without any data the message tells what was tried") {
  const Workplace here;
  CHECK_THAT(
      failure(offline()),
      Contains("[load_mnist] data/mnist: no such folder, and downloading is off; nor is Fashion-MNIST "
               "there (fashion: no such folder); name a folder with MNIST's four IDX files by --data"));
  MnistOptions online = offline();
  online.download = true;
  CHECK_THAT(failure(online), Contains("the download failed: [download_mnist] train-images-idx3-ubyte.gz: no "
                                       "mirror delivers it: none given"));
}

TEST_CASE("A failed download is logged and leaves Fashion-MNIST to stand in") {
  const Workplace here;
  write_set("fashion", 4);
  const LoopbackServer server({});
  MnistOptions options = offline();
  std::ostringstream log;
  options.download = true;
  options.source.mirrors = {server.url()};
  options.source.log = &log;
  CHECK(load_mnist(options).folder == "fashion");
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
  MnistOptions options = offline();
  options.download = true;
  options.source.mirrors = {server.url()};
  options.source.files = {{"t10k-labels-idx1-ubyte",
                           sha256({reinterpret_cast<const unsigned char*>(content.data()), content.size()})}};
  const Mnist mnist = load_mnist(options);
  CHECK(mnist.name == "mnist");
  CHECK((*mnist.test.labels == Tensor<std::uint8_t>(Shape{2}, 3)));
  CHECK(fs::exists(labels + ".gz"));
}

TEST_CASE("A wrong file in data/mnist is an error, not a reason for other data") {
  const Workplace here;
  write_set("fashion", 4);
  write_set("data/mnist", 3);
  fs::remove("data/mnist/t10k-labels-idx1-ubyte");
  MnistOptions options = offline();
  options.download = true;
  CHECK_THAT(failure(options),
             Contains("data/mnist/train-images-idx3-ubyte: its uncompressed content has SHA-256"));
}

TEST_CASE("Files whose content is wrong are named with the facts") {
  const Workplace here;
  const auto message_with = [](const std::string& file, const std::string& content) {
    write_set("bad", 3);
    write("bad/" + file, content);
    return failure(from("bad"));
  };
  const std::string images = "train-images-idx3-ubyte", labels = "t10k-labels-idx1-ubyte";
  CHECK_THAT(message_with(images, idx({3, 28, 28}, 1).substr(0, 500)), Contains("bad/" + images));
  CHECK_THAT(message_with(images, "<html>"), Contains("bad/" + images));
  CHECK_THAT(message_with(labels, ""), Contains("bad/" + labels));
  CHECK_THAT(
      message_with(images, idx({3, 27, 28}, 1)),
      Contains("[load_mnist] bad/" + images + ": images have shape (3, 27, 28), expected (N, 28, 28);"));
  CHECK_THAT(message_with(images, idx({3}, 1)), Contains("images have shape (3), expected"));
  CHECK_THAT(message_with(labels, idx({2, 28, 28}, 1)),
             Contains("[load_mnist] bad/" + labels + ": labels have shape (2, 28, 28), expected (N);"));
  CHECK_THAT(
      message_with(labels, idx({5}, 1)),
      Contains("[load_mnist] bad/" + labels + ": 5 labels for the 2 images of t10k-images-idx3-ubyte;"));
  CHECK_THAT(message_with(labels, idx({2}, 10)),
             Contains("[load_mnist] bad/" + labels + ": label 10 at position 0; labels are 0 ... 9"));
  write_set("bad", 3);
  write("bad/" + images, idx({0, 28, 28}, 1));
  write("bad/train-labels-idx1-ubyte", idx({0}, 1));
  CHECK_THAT(failure(from("bad")), Contains("[load_mnist] bad/" + images + ": 0 images"));
}

TEST_CASE("MNIST itself is recognised") {
  if (std::getenv("STRATA_MNIST_DIR") == nullptr) {
    WARN("skipped: STRATA_MNIST_DIR does not name a folder with MNIST");
    return;
  }
  const Mnist mnist = load_mnist();
  CHECK(mnist.name == "MNIST");
  CHECK((images_of(mnist.train).shape() == Shape{60'000, 28, 28}));
  CHECK((images_of(mnist.test).shape() == Shape{10'000, 28, 28}));
  CHECK((*mnist.train.labels)(0) == 5);
}
