// The program train_mnist, run as its user runs it, on a data set of a few images.
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>

#include "strata/tensor/io/safetensors.hpp"
#include "strata/tests/temporary_folder.hpp"
#include "strata/tests/tools/program_folder.hpp"
#include "strata/tools/run/metrics_csv.hpp"

using namespace strata;
using namespace strata::tools;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

// The lines of metrics.csv after its header.
std::vector<std::vector<double>> metrics_of(const fs::path& run,
                                            const std::string& layers = "kl_1,active_1") {
  const auto lines = lines_of(content_of(run / "metrics.csv"));
  REQUIRE_FALSE(lines.empty());
  CHECK(lines[0] ==
        "epoch,train_elbo,test_elbo,test_reconstruction,test_kl,learning_rate,seconds,step_ms," + layers);
  std::vector<std::vector<double>> all;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    all.emplace_back();
    for (const std::string& cell : cells_of(lines[i])) all.back().push_back(std::stod(cell));
    REQUIRE(all.back().size() == cells_of(lines[0]).size());
  }
  return all;
}

struct Size {
  unsigned width, height;
};

// As the header of a PNG file tells it.
Size png_size(const fs::path& file) {
  const std::string bytes = content_of(file);
  REQUIRE(bytes.substr(0, 8) == "\x89PNG\r\n\x1a\n");
  REQUIRE(bytes.size() > 33);
  const auto number = [&](std::size_t at) {
    unsigned n = 0;
    for (std::size_t i = at; i < at + 4; ++i) n = n << 8 | static_cast<unsigned char>(bytes[i]);
    return n;
  };
  return {number(16), number(20)};
}

}  // namespace

TEST_CASE("train_mnist writes metrics, weights and pictures") {
  const ProgramFolder here;
  const Ran ran = here.train({"--epochs", "2"});
  INFO(ran.err);
  REQUIRE(ran.status == 0);
  CHECK(ran.err.empty());
  CHECK_THAT(ran.out,
             Contains("data from data: 60 training and 20 test images of 28 x 28, 10 labels (0 to 9)"));
  CHECK_THAT(ran.out, Contains("epoch 2/2") && Contains("written to out"));
  // Standard output is a file here: nothing of what redraws a line on a terminal.
  CHECK(ran.out.find_first_of("\r\x1b\b") == std::string::npos);

  const auto metrics = metrics_of(here / "out");
  REQUIRE(metrics.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto& line = metrics[i];
    CHECK(line[0] == static_cast<double>(i + 1));
    CHECK(line[1] < 0);
    CHECK(line[2] < 0);
    CHECK(line[2] == Approx(line[3] - line[4]).epsilon(1e-5));
    CHECK(line[4] >= 0);
    CHECK(line[5] == 1e-3);
    CHECK(line[6] > 0);
    CHECK(line[7] > 0);
  }
  CHECK(metrics[1][1] > metrics[0][1]);

  const Safetensors weights = Safetensors::read(here / "out/model.safetensors");
  CHECK(weights.metadata.at("strata.model") == "vae");
  CHECK(weights.metadata.at("hidden") == "16,8");
  CHECK((weights.shape("decoder.output.weight") == Shape{16, 784}));

  for (const char* name : {"curves.png", "reconstructions.png", "samples.png", "latents.png"}) {
    INFO(name);
    const Size size = png_size(here / "out" / name);
    CHECK((size.width >= 100 && size.width <= 2000));
    CHECK((size.height >= 100 && size.height <= 2000));
  }
  const Size manifold = png_size(here / "out/manifold.png");
  CHECK((manifold.width > 20 * 28 && manifold.width < 25 * 28));
  CHECK((manifold.height > 20 * 28 && manifold.height < 25 * 28));
  CHECK(here.content("out").size() == 10);  // and events, a checkpoint, and that before it
}

TEST_CASE("train_mnist gives the same run for the same seed, and another for another") {
  const ProgramFolder here;
  for (const char* out : {"a", "b"})
    REQUIRE(here.train({"--out", out, "--seed", "7", "--epochs", "2"}).status == 0);
  REQUIRE(here.train({"--out", "c", "--seed", "8", "--epochs", "2"}).status == 0);
  auto a = here.content("a"), b = here.content("b");
  for (const char* timed :
       {"metrics.csv", "events.tfevents", "checkpoint.safetensors", "checkpoint.previous.safetensors"}) {
    a.erase(timed);
    b.erase(timed);
  }
  CHECK((a == b));

  const auto without_times = [&](const char* out) {
    auto metrics = metrics_of(here / out);
    for (auto& line : metrics) line[6] = line[7] = 0;
    return metrics;
  };
  CHECK(without_times("a") == without_times("b"));
  CHECK(without_times("a") != without_times("c"));
}

TEST_CASE("train_mnist says in one line where its numbers stopped being finite") {
  const ProgramFolder here;
  const Ran ran = here.train({"--optimizer", "sgd", "--lr", "1e30"});
  INFO(ran.err);
  CHECK(ran.status == 2);
  CHECK(lines_of(ran.err).size() == 1);
  CHECK(ran.err.size() < 900);
  CHECK_THAT(ran.err, Contains("train_mnist: [Trainer] numbers are not finite in epoch 1, step 2: `") &&
                          Contains("of `model.") && Contains("; it goes into ") &&
                          Contains("The step was undone; a lower learning rate"));
}

TEST_CASE("train_mnist goes on where test images are yet too far from its batch statistics, and says so") {
  const ProgramFolder here;
  std::string near, far;  // dim above, hardly lit below; and lit below alone
  for (std::size_t i = 0; i < 60; ++i)
    for (std::size_t p = 0; p < 784; ++p) near += static_cast<char>(p >= 400 ? 1 : (i + p) % 2 ? 6 : 3);
  for (std::size_t i = 0; i < 20; ++i) far += std::string(400, '\0') + std::string(384, '\xff');
  std::ofstream(here / "data/train-images-idx3-ubyte", std::ios::binary) << idx_bytes({60, 28, 28}, near);
  std::ofstream(here / "data/t10k-images-idx3-ubyte", std::ios::binary) << idx_bytes({20, 28, 28}, far);
  const Ran ran = here.train({"--latent", "6,5,4,3", "--upper-hidden", "8,8", "--batch-norm", "--activation",
                              "leaky_relu", "--init", "he", "--binarize", "none", "--lr", "0.01"});
  INFO(ran.err);
  CHECK(ran.status == 0);
  CHECK_THAT(ran.err, Contains("[evaluate] the ELBO is not finite: `") && Contains("; training goes on"));
  CHECK_THAT(content_of(here / "out/metrics.csv"), Contains(",nan,nan,nan,"));
}

TEST_CASE("train_mnist trains every kind of model") {
  const ProgramFolder here;
  const auto options =
      GENERATE(values<Arguments>({{"--likelihood", "bernoulli"},
                                  {"--likelihood", "normal"},
                                  {"--likelihood", "normal-learned"},
                                  {"--likelihood", "normal-learned-each"},
                                  {"--batch-norm"},
                                  {"--activation", "tanh"},
                                  {"--activation", "relu"},
                                  {"--activation", "leaky_relu"},
                                  {"--activation", "sigmoid"},
                                  {"--init", "he"},
                                  {"--init", "glorot"},
                                  {"--scale", "softplus"},
                                  {"--binarize", "none", "--likelihood", "normal"},
                                  {"--binarize", "threshold"},
                                  {"--beta", "0.5", "--warmup-epochs", "3"},
                                  {"--objective", "stl"},
                                  {"--objective", "dreg", "--samples", "4"},
                                  {"--objective", "piwae", "--samples", "4", "--groups", "2"},
                                  {"--objective", "ciwae", "--samples", "2", "--elbo-share", "1"},
                                  {"--latent", "1"},
                                  {"--latent", "5"},
                                  {"--manifold", "linear"},
                                  {"--threads", "1"},
                                  {"--optimizer", "adam"},
                                  {"--optimizer", "adamw"},
                                  {"--optimizer", "sgd", "--lr", "1e-6"},
                                  {"--optimizer", "momentum", "--lr", "1e-6"},
                                  {"--optimizer", "nesterov", "--lr", "1e-6"},
                                  {"--optimizer", "rmsprop"},
                                  {"--optimizer", "adagrad"}}));
  const Ran ran = here.train(options);
  INFO(options[0] << " " << options.back() << "\n" << ran.err);
  REQUIRE(ran.status == 0);
  CHECK(ran.err.empty());
  const auto metrics = metrics_of(here / "out");
  REQUIRE(metrics.size() == 1);
  for (const double value : metrics[0]) CHECK(std::isfinite(value));
}

TEST_CASE("train_mnist --help has one line for each option") {
  const TemporaryFolder here;
  const Ran ran = run(STRATA_TRAIN_MNIST, {"--help"}, here.path());
  INFO(ran.out);
  CHECK(ran.status == 0);
  CHECK(ran.err.empty());
  CHECK(fs::is_empty(here.path()));
  // Each line: the option, perhaps its value, then what it does; no second line that goes on with it.
  std::map<std::string, std::size_t> words;
  for (const std::string& line : lines_of(ran.out)) {
    CHECK_THAT(line, !Catch::StartsWith("   "));
    std::istringstream in(line);
    Arguments parts{std::istream_iterator<std::string>(in), {}};
    if (!parts.empty()) words[parts[0]] = parts.size();
  }
  for (const char* option :
       {"-h,--help",       "--data",       "--no-download", "--out",        "--overwrite",  "--hidden",
        "--latent",        "--activation", "--init",        "--batch-norm", "--likelihood", "--scale",
        "--binarize",      "--epochs",     "--batch",       "--optimizer",  "--lr",         "--beta",
        "--warmup-epochs", "--seed",       "--threads",     "--manifold"}) {
    INFO(option);
    CHECK(words[option] >= 3);
  }
}
