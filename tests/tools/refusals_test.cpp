// What train_mnist refuses, in one line and without touching a file.
#include <catch2/catch.hpp>
#include <fstream>

#include "strata/tests/tools/program_folder.hpp"

using namespace strata::tools;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

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

TEST_CASE("train_mnist refuses what it does not understand in one line and leaves no file") {
  const ProgramFolder here;
  check_refused(here, {"--frobnicate"}, {"there is no option --frobnicate (see", "--help"});
  check_refused(here, {"--latnt", "3"}, {"there is no option --latnt; did you mean --latent?"});
  check_refused(here, {"--epoch=3"}, {"there is no option --epoch; did you mean --epochs?"});
  check_refused(here, {"stray"}, {"stray", "--help"});
  check_refused(here, {"--epochs"}, {"[epochs] '--batch' is no whole number"});
  check_refused(here, {"--init", "heavy"}, {"[init] 'heavy' is unknown; there are auto, he_with_biases, he"});
  check_refused(here, {"--latent", "", "--prior", "mixture"}, {"[latent] there is no width"});
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

TEST_CASE("train_mnist says in one line where it cannot write") {
  const ProgramFolder here;
  check_refused(here, {"--out", "data/train-labels-idx1-ubyte/run"}, {"data/train-labels-idx1-ubyte/run"}, 1);
  const Ran ran = here.train({"--out", std::string(280, 'a')});
  CHECK(ran.status == 1);
  CHECK_THAT(ran.err, Contains("File name too long") && !Contains("filesystem error"));
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
  CHECK(lines_of(content_of(here / "out/metrics.csv")).size() == 2);
}

TEST_CASE("train_mnist needs labels only where it uses them") {
  const ProgramFolder here;
  for (const char* set : {"train", "t10k"})
    fs::remove(here / "data" / (std::string(set) + "-labels-idx1-ubyte"));
  check_refused(here, {"--conditional"}, {"conditional", "needs labels"});
  const Ran ran = here.train();
  INFO(ran.err);
  CHECK(ran.status == 0);
  CHECK(content_of(here / "out/latents.png").size() > 1000);
}
