// The program train_mnist, run as its user runs it, on a data set of a few images.
#include <catch2/catch.hpp>
#include <cmath>
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

// A run that is refused: one line of complaint with these words, and no file touched.
void check_refused(const ProgramFolder& here, const Arguments& arguments, const Arguments& words,
                   int status = 2) {
  const auto before = here.content();
  const Ran ran = here.train(arguments);
  std::string command = "train_mnist";
  for (const std::string& argument : arguments) command += " " + argument;
  INFO(command << "\n" << ran.err);
  CHECK(ran.status == status);
  CHECK(lines_of(ran.err).size() == 1);
  CHECK(ran.err.size() < 300);
  CHECK_THAT(ran.err, Catch::StartsWith("train_mnist: ") && Catch::EndsWith("\n"));
  for (const std::string& word : words) CHECK_THAT(ran.err, Contains(word));
  CHECK(here.content() == before);
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

TEST_CASE("train_mnist replaces a run only if it is told to") {
  const ProgramFolder here;
  REQUIRE(here.train().status == 0);
  check_refused(here, {"--seed", "1"}, {"out", "--overwrite"});
  const auto before = here.content("out");
  REQUIRE(here.train({"--seed", "1", "--overwrite"}).status == 0);
  const auto after = here.content("out");
  CHECK(after.size() == before.size());
  CHECK(after.contains("manifold.png"));
  REQUIRE(here.train({"--latent", "3", "--overwrite"}).status == 0);
  CHECK(!here.content("out").contains("manifold.png"));  // which showed another model
  CHECK(after.at("model.safetensors") != before.at("model.safetensors"));
  CHECK(metrics_of(here / "out").size() == 1);
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

TEST_CASE("train_mnist refuses what it does not understand in one line and leaves no file") {
  const ProgramFolder here;
  check_refused(here, {"--frobnicate"}, {"there is no option --frobnicate (see", "--help"});
  check_refused(here, {"--latnt", "3"}, {"there is no option --latnt; did you mean --latent?"});
  check_refused(here, {"--epoch=3"}, {"there is no option --epoch; did you mean --epochs?"});
  check_refused(here, {"stray"}, {"stray", "--help"});
  check_refused(here, {"--epochs"}, {"[epochs] '--batch' is no whole number"});
  for (const char* count : {"-5", "0", "ten", "2.5", "1e3", "99999999999999999999"}) {
    check_refused(here, {"--batch", count}, {"batch", count});
    check_refused(here, {"--epochs", count}, {"epochs", count});
  }
  for (const char* rate : {"0", "-0.1", "nan", "inf", "fast"})
    check_refused(here, {"--lr", rate}, {"lr", rate});
  for (const char* weight : {"-1", "nan", "inf"}) check_refused(here, {"--beta", weight}, {"beta", weight});
  check_refused(here, {"--noise-variance", "1e-50"}, {"noise-variance", "1e-50", "single precision"});
  check_refused(here, {"--beta", "1e39"}, {"beta", "1e+39", "single precision"});
  check_refused(here, {"--clip-norm", "1e-300"}, {"clip-norm", "1e-300", "single precision"});
  check_refused(here, {"--ema", "1"}, {"ema", "1"});
  check_refused(here, {"--elbo-share", "1.5"}, {"elbo-share", "1.5"});
  check_refused(here, {"--groups", "2"}, {"groups", "2", "--samples"});
  check_refused(here, {"--objective", "dreg", "--free-bits", "1"}, {"free-bits", "elbo"});
  check_refused(here, {"--batch", "61"}, {"batch", "61", "60"});
  check_refused(here, {"--batch", "1", "--batch-norm"}, {"batch", "1", "--batch-norm"});
  check_refused(here, {"--batch", "0100"}, {"batch", "100", "60"});  // decimal
  check_refused(here, {"--hidden", "16,x"}, {"hidden", "x"});
  check_refused(here, {"--hidden", "16,-8"}, {"hidden", "-8"});
  check_refused(here, {"--latent", "0"}, {"0"});
  check_refused(here, {"--seed", "-1"}, {"seed", "-1"});
  check_refused(here, {"--warmup-epochs", "-1"}, {"warmup-epochs", "-1"});
  check_refused(here, {"--threads", "100000"}, {"threads", "100000"});
  // What is given twice or not whole.
  check_refused(here, {"--latent", "2", "--latent", "3"}, {"latent", "is given 2 times", "--help"});
  check_refused(here, {"--lr", "0.1", "--lr", "0.2"}, {"lr", "is given 2 times"});
  for (const char* widths : {"16,,8", ",", "16,", ",16", "0x10", " 16", "1e1", "16;8"})
    check_refused(here, {"--hidden", widths}, {"hidden", widths, "list of whole numbers such as 500,300"});
  for (const char* rate : {"0x1p-3", "1e-3x", " 1"}) check_refused(here, {"--lr", rate}, {"lr", rate});
  check_refused(here, {"--data", ""}, {"--data", "empty"});
  check_refused(here, {"--out", ""}, {"--out", "empty"});
}

TEST_CASE("train_mnist names the choices where a name is unknown") {
  const ProgramFolder here;
  check_refused(here, {"--activation", "swish"}, {"activation", "'swish'", "softplus", "leaky_relu"});
  check_refused(here, {"--likelihood", "poisson"},
                {"likelihood", "'poisson'", "bernoulli", "normal-learned"});
  check_refused(here, {"--binarize", "maybe"}, {"binarize", "'maybe'", "none", "threshold", "dynamic"});
  check_refused(here, {"--optimizer", "lbfgs"}, {"optimizer", "'lbfgs'", "adam", "rmsprop"});
  check_refused(here, {"--init", "xavier"}, {"init", "'xavier'", "he_with_biases", "he", "glorot"});
  check_refused(here, {"--scale", "exp"}, {"scale", "'exp'", "log_variance", "softplus"});
  check_refused(here, {"--manifold", "polar"}, {"manifold", "polar", "quantiles", "linear"});
  // Before the data are looked for, and perhaps downloaded.
  check_refused(here, {"--activation", "swish", "--data", "nowhere"}, {"activation"});
  check_refused(here, {"--optimizer", "lbfgs", "--data", "nowhere"}, {"optimizer"});
}

TEST_CASE("train_mnist names the file where the data are wrong, and leaves no file") {
  const ProgramFolder here;
  check_refused(here, {"--data", "nowhere"}, {"nowhere", "no such folder"});

  const std::string images = "train-images-idx3-ubyte", pixels(std::size_t{60} * 784, '\x01');
  const std::string good = idx_bytes({60, 28, 28}, pixels);
  const auto check_file = [&](const std::string& content, const Arguments& words) {
    std::ofstream(here / "data" / images, std::ios::binary) << content;
    check_refused(here, {}, words);
  };
  const std::string file = "data/" + images;
  check_file(good.substr(0, 5000), {file, "5000 bytes", "cut short"});
  check_file("", {file, "0 bytes"});
  check_file("<html>404</html>", {file, "magic number"});
  check_file(idx_bytes({60, 28, 0}, ""), {file, "(60, 28, 0)", "at least one pixel"});
  check_file(idx_bytes({20, 28, 28}, pixels.substr(std::size_t{40} * 784)),
             {"data", "60 labels", "20 images"});
  fs::remove(here / file);
  check_refused(here, {}, {"data", images});
}

TEST_CASE("train_mnist needs labels only where it uses them") {
  const ProgramFolder here;
  for (const char* set : {"train", "t10k"})
    fs::remove(here / "data" / (std::string(set) + "-labels-idx1-ubyte"));
  check_refused(here, {"--conditional"}, {"conditional", "needs labels"});
  const Ran ran = here.train();
  INFO(ran.err);
  CHECK(ran.status == 0);
  CHECK(png_size(here / "out/latents.png").width > 100);
}

TEST_CASE("train_mnist says in one line where it cannot write") {
  const ProgramFolder here;
  check_refused(here, {"--out", "data/train-labels-idx1-ubyte/run"}, {"data/train-labels-idx1-ubyte/run"}, 1);
  const Ran ran = here.train({"--out", std::string(280, 'a')});
  CHECK(ran.status == 1);
  CHECK_THAT(ran.err, Contains("File name too long") && !Contains("filesystem error"));
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
