// Options from a file, and files of options.
#include <catch2/catch.hpp>
#include <fstream>

#include "strata/tests/tools/program_folder.hpp"
#include "strata/tests/tools/same_run.hpp"

using namespace strata;
using namespace strata::tools;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

void write(const fs::path& file, const std::string& text) { std::ofstream(file) << text; }

}  // namespace

TEST_CASE("A configuration file gives the options of a command line, which comes first") {
  const ProgramFolder here;
  REQUIRE(here.train({"--latent", "4,3", "--upper-hidden", "5", "--batch-norm", "--lr", "0.002",
                      "--objective", "iwae"})
              .status == 0);
  write(here / "run.toml", R"(# a comment
latent = [4, 3]
upper_hidden = 5     # with an underscore
batch-norm = true
lr = 0.002
objective = "iwae"
hidden = "16,8"
epochs = 7
)");
  const Ran ran =
      run(STRATA_TRAIN_MNIST,
          {"--config", "run.toml", "--epochs", "1", "--data", "data", "--batch", "20", "--out", "by_file"},
          here.path());
  INFO(ran.err);
  REQUIRE(ran.status == 0);
  CHECK(difference(here / "out", here / "by_file") == "");
}

TEST_CASE("A dumped configuration is one that gives the same run") {
  const ProgramFolder here;
  const Arguments options = {"--latent", "4,3", "--upper-hidden", "5,6", "--conditional", "--beta", "0.5"};
  Arguments dump = options;
  dump.push_back("--dump-config");
  const auto before = here.content();
  const Ran dumped = here.train(dump);
  INFO(dumped.out << dumped.err);
  REQUIRE(dumped.status == 0);
  CHECK((here.content() == before));
  CHECK_THAT(dumped.out, Contains("latent=\"4,3\"") && Contains("conditional=true") &&
                             Contains("batch-norm=false") && Contains("init=\"auto\"") &&
                             !Contains("overwrite") && !Contains("resume"));
  write(here / "run.toml", dumped.out);
  const Ran again = run(STRATA_TRAIN_MNIST, {"--config", "run.toml", "--dump-config"}, here.path());
  CHECK(again.out == dumped.out);
  REQUIRE(here.train(options).status == 0);
  REQUIRE(run(STRATA_TRAIN_MNIST, {"--config", "run.toml", "--out", "by_file"}, here.path()).status == 0);
  CHECK(difference(here / "out", here / "by_file") == "");
  // Nor of what is not given.
  CHECK_THAT(run(STRATA_TRAIN_MNIST, {"--dump-config"}, here.path()).out, !Contains("\ndata="));
  CHECK_THAT(run(STRATA_EVALUATE, {"out", "--samples", "7", "--dump-config"}, here.path()).out,
             Contains("samples=7"));
}

TEST_CASE("What is wrong with a configuration is said in one line") {
  const ProgramFolder here;
  const auto refused = [&](const std::string& text, const std::string& words) {
    write(here / "run.toml", text);
    const auto before = here.content();
    const Ran ran = here.train({"--config", "run.toml"});
    INFO(text << ran.err);
    CHECK(ran.status == 2);
    CHECK(lines_of(ran.err).size() == 1);
    CHECK_THAT(ran.err, Contains(words));
    CHECK((here.content() == before));
  };
  refused("latnt = 3\n", "there is no option --latnt; did you mean --latent?");
  refused("latent = 3\nseed = 1\nlatent = 4\n", "--latent is given twice in the configuration");
  refused("upper-hidden = 3\nupper_hidden = 4\n", "--upper-hidden is given twice");
  refused("lr = \"fast\"\n", "'fast' is no finite number");
  refused("overwrite = true\n", "overwrite");
  refused("[model]\nlatent = 3\n", "no sections such as [model]");
  const Ran ran = here.train({"--config", "nowhere.toml"});
  CHECK(ran.status == 2);
  CHECK_THAT(ran.err, Contains("nowhere.toml"));
}
