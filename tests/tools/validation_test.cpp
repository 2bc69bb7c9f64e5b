// Runs that hold out images for validation: the best model, early stopping, and going on.
#include <catch2/catch.hpp>

#include "strata/tests/tools/program_folder.hpp"
#include "strata/tests/tools/same_run.hpp"

using namespace strata;
using namespace strata::tools;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

// Of a run whose rate is too high to get better for long.
const Arguments validated = {"--epochs",         "200", "--validation", "20", "--lr",      "0.05",
                             "--early-stopping", "5",   "--batch",      "10", "--threads", "1"};

Arguments operator+(Arguments a, const Arguments& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// The columns of metrics.csv by name.
std::vector<double> column(const fs::path& run, const std::string& name) {
  std::vector<double> values;
  std::size_t place = 0;
  bool header = true;
  for (const std::string& line : lines_of(content_of(run / "metrics.csv"))) {
    std::istringstream in(line);
    std::size_t i = 0;
    for (std::string cell; std::getline(in, cell, ','); ++i)
      if (header && cell == name)
        place = i;
      else if (!header && i == place)
        values.push_back(std::stod(cell));
    header = false;
  }
  return values;
}

}  // namespace

TEST_CASE("A validated run keeps its best model, stops early, and is evaluated by that model") {
  const ProgramFolder here;
  const Ran ran = here.train(validated);
  INFO(ran.out << ran.err);
  REQUIRE(ran.status == 0);
  CHECK_THAT(ran.out, Contains("40 training, 20 validation and 20 test images") && Contains("validation -") &&
                          Contains("stopped early, since 5 epochs brought no better"));
  const auto elbo = column(here / "out", "validation_elbo"),
             rest = column(here / "out", "validation_reconstruction"),
             kl = column(here / "out", "validation_kl");
  REQUIRE(elbo.size() < 200);
  for (std::size_t i = 0; i < elbo.size(); ++i) CHECK(elbo[i] == Approx(rest[i] - kl[i]).epsilon(1e-4));
  const auto best = static_cast<std::size_t>(std::max_element(elbo.begin(), elbo.end()) - elbo.begin());
  CHECK(best + 6 == elbo.size());
  const auto kept = Safetensors::read(here / "out/best.safetensors"),
             last = Safetensors::read(here / "out/model.safetensors");
  CHECK(kept.metadata.at("trained_epochs") == std::to_string(best + 1));
  CHECK(last.metadata.at("trained_epochs") == std::to_string(elbo.size()));
  const std::string choice = "best.safetensors, of epoch " + std::to_string(best + 1);
  CHECK_THAT(here.read(STRATA_EVALUATE, {"--samples", "5"}).out, Contains(choice));
  CHECK_THAT(here.read(STRATA_GENERATE).out, Contains(choice));
  // The model after so many epochs is that of a run of so many.
  REQUIRE(here.train(validated + Arguments{"--out", "short"}).status == 0);
  CHECK(difference(here / "out", here / "short") == "");
  const Ran again = here.train({"--resume", "out"});
  CHECK(again.status == 0);
  CHECK_THAT(again.out, Contains("stopped early"));
  CHECK(difference(here / "out", here / "short") == "");
}

TEST_CASE("A validated run that was stopped goes on to the same best model and the same end") {
  const ProgramFolder here;
  REQUIRE(here.train(validated).status == 0);
  const auto epochs = column(here / "out", "epoch").size();
  for (const std::size_t first : {std::size_t{2}, epochs - 3}) {
    const std::string out = "in" + std::to_string(first);
    auto shorter = validated + Arguments{"--out", out};
    shorter[1] = std::to_string(first);
    REQUIRE(here.train(shorter).status == 0);
    CHECK(column(here / out, "epoch").size() == first);
    REQUIRE(here.train({"--resume", out, "--epochs", "200"}).status == 0);
    // All that was saved in the first epochs tells of so many.
    CHECK(metrics_without_times(here / "out") == metrics_without_times(here / out));
    for (const char* name : {"best.safetensors", "checkpoint.safetensors"}) {
      const auto a = Safetensors::read(here / "out" / name), b = Safetensors::read(here / out / name);
      CHECK(a.metadata.at("trained_epochs") == b.metadata.at("trained_epochs"));
      for (const std::string& tensor : a.names())
        if (tensor != "metrics.text" && tensor != "seconds")
          CHECK(bytes_of(a, tensor) == bytes_of(b, tensor));
    }
  }
}

TEST_CASE("A run that replaces a validated one leaves nothing of its best model") {
  const ProgramFolder here;
  REQUIRE(here.train({"--validation", "20"}).status == 0);
  REQUIRE(fs::exists(here / "out/best.safetensors"));
  const Ran refused = here.train();
  CHECK_THAT(refused.err, Contains("--overwrite"));
  REQUIRE(here.train({"--overwrite"}).status == 0);
  CHECK_FALSE(fs::exists(here / "out/best.safetensors"));
}

TEST_CASE("Early stopping without a validation, and too large a one, are refused") {
  const ProgramFolder here;
  const auto before = here.content();
  CHECK_THAT(here.train({"--early-stopping", "5"}).err, Contains("[early-stopping] it goes by images"));
  CHECK_THAT(here.train({"--validation", "60"}).err, Contains("[validation] it is 60, but there are 60"));
  CHECK_THAT(here.train({"--validation", "50"}).err, Contains("the batch is 20; there are 10 examples"));
  CHECK((here.content() == before));
}
