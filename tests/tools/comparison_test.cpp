// evaluate: every image's figures, and several runs beside each other.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "strata/tests/tools/program_folder.hpp"
#include "strata/tools/run/evaluation.hpp"
#include "strata/tools/run/metrics_csv.hpp"

using namespace strata;
using namespace strata::tools;
using Catch::Contains;

namespace {

Ran evaluate(const ProgramFolder& here, Arguments arguments) {
  for (const char* more : {"--data", "data", "--samples", "20"}) arguments.push_back(more);
  return run(STRATA_EVALUATE, arguments, here.path());
}

}  // namespace

TEST_CASE("evaluate --per-image writes figures whose means are those that it prints") {
  const ProgramFolder here;
  REQUIRE(here.train({"--latent", "6,3", "--upper-hidden", "5"}).status == 0);
  const Ran ran = evaluate(here, {"out", "--per-image", "each.csv", "--json"});
  INFO(ran.err);
  REQUIRE(ran.status == 0);
  const auto report = nlohmann::json::parse(ran.out);
  const auto lines = lines_of(content_of(here / "each.csv"));
  REQUIRE(lines.size() == 21);
  CHECK(lines[0] == "image,label,elbo,nll,kl_1,kl_2");
  std::vector<double> means(6);
  for (std::size_t i = 1; i < lines.size(); ++i) {
    const auto cells = cells_of(lines[i]);
    REQUIRE(cells.size() == 6);
    CHECK(cells[0] == std::to_string(i - 1));
    CHECK(cells[1] == std::to_string((i - 1) % 10));
    for (std::size_t c = 2; c < 6; ++c) means[c] += std::stod(cells[c]) / 20;
  }
  CHECK(means[2] == Approx(report["elbo"].get<double>()).epsilon(1e-6));
  CHECK(means[3] == Approx(report["nll"].get<double>()).epsilon(1e-6));
  CHECK(means[4] == Approx(report["layer_kl"][0].get<double>()).epsilon(1e-6));
  CHECK(means[5] == Approx(report["layer_kl"][1].get<double>()).epsilon(1e-6));
  for (const char* set : {"train", "t10k"})
    std::filesystem::remove(here / "data" / (std::string(set) + "-labels-idx1-ubyte"));
  REQUIRE(evaluate(here, {"out", "--per-image", "each.csv", "--images", "2"}).status == 0);
  CHECK(cells_of(lines_of(content_of(here / "each.csv"))[1])[1].empty());
}

TEST_CASE("evaluate prints several runs in one table, or as a list in JSON") {
  const ProgramFolder here;
  REQUIRE(here.train({"--out", "a"}).status == 0);
  REQUIRE(here.train({"--out", "grey", "--binarize", "none", "--latent", "4,3"}).status == 0);
  const Ran ran = evaluate(here, {"a", "grey", "--proposal", "refined", "--refinement-steps", "20"});
  INFO(ran.out << ran.err);
  REQUIRE(ran.status == 0);
  const auto lines = lines_of(ran.out);
  REQUIRE(lines.size() == 4);
  CHECK_THAT(lines[0], Contains("data test images: 20, seed 0"));
  CHECK_THAT(lines[1], Catch::StartsWith("run ") && Contains("NLL, refined"));
  CHECK_THAT(lines[2], Catch::StartsWith("a ") && Contains("dynamic") && Contains(" ± "));
  CHECK_THAT(lines[3], Catch::StartsWith("grey ") && Contains("none"));
  const auto alone = nlohmann::json::parse(evaluate(here, {"a", "--json"}).out),
             both = nlohmann::json::parse(evaluate(here, {"a", "grey", "--json"}).out);
  REQUIRE(both.size() == 2);
  CHECK(both[0] == alone);
  CHECK(both[1]["run"] == "grey");
  CHECK_THAT(evaluate(here, {"a", "grey", "--per-image", "x.csv"}).err,
             Contains("[per-image] it is of one run"));
  CHECK(evaluate(here, {"a", "nowhere"}).status == 2);
}

TEST_CASE("The progress of an evaluation tells how long it still takes") {
  CHECK(progress_text("annealing", 10, 40, 4) == "annealing: 10 of 40 images, 12 s left");
  CHECK(progress_text("refining", 39, 40, 390) == "refining: 39 of 40 images, 10 s left");
}
