// The program report. What its page does stands in tests/browser.
#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

#include "strata/tests/tools/program_folder.hpp"

using namespace strata;
using namespace strata::tools;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

Ran report(const ProgramFolder& here, const Arguments& more = {}) {
  Arguments arguments = {"out", "--data", "data"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run(STRATA_REPORT, arguments, here / "");
}

// What the page holds of the run.
nlohmann::json content_of_page(const fs::path& file) {
  const std::string page = content_of(file), start = "<script type=\"application/json\" id=\"run\">";
  const auto from = page.find(start) + start.size();
  return nlohmann::json::parse(page.substr(from, page.find("</script>", from) - from));
}

// Four letters as three bytes, as RFC 4648 has it.
std::string bytes_of(const std::string& letters) {
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  REQUIRE(letters.size() % 4 == 0);
  std::string bytes;
  unsigned bits = 0;
  for (std::size_t i = 0; i < letters.size(); ++i) {
    const auto place = alphabet.find(letters[i]);
    bits = bits << 6 | (place == std::string::npos ? 0u : static_cast<unsigned>(place));
    if (i % 4 == 3)
      for (const int shift : {16, 8, 0}) bytes += static_cast<char>(bits >> shift & 0xff);
  }
  const auto padding = letters.size() - std::min(letters.find('='), letters.size());
  return bytes.substr(0, bytes.size() - padding);
}

}  // namespace

TEST_CASE("A report's command trains the same run again") {
  const ProgramFolder here;
  REQUIRE(here.train({"--latent", "5,2", "--upper-hidden", "6", "--batch-norm", "--lr", "0.002", "--seed",
                      "3", "--objective", "dreg", "--samples", "2", "--init", "he", "--threads", "1"})
              .status == 0);
  fs::create_directory_symlink("data", here / "it's data");
  const Ran ran = run(STRATA_REPORT, {"out", "--data", "it's data"}, here / "");
  INFO(ran.err);
  REQUIRE(ran.status == 0);
  CHECK_THAT(ran.out, Contains("out/report.html: ") && Contains(" kB, to be opened in a browser"));
  const std::string command = content_of_page(here / "out/report.html")["command"];
  REQUIRE(command.substr(0, 12) == "train_mnist ");
  CHECK_THAT(command, Contains("/it'\\''s data' \\\n") && Contains(" --threads 1"));
  const std::string script = "train_mnist() { \"$0\" \"$@\"; }\n" + command;
  REQUIRE(run("/bin/sh", {"-c", script, STRATA_TRAIN_MNIST}, "/").status == 0);
  CHECK(content_of(here / "out-again/model.safetensors") == content_of(here / "out/model.safetensors"));
}

TEST_CASE(
    "A report holds the configuration, the metrics, all pictures and what evaluate left, and no address") {
  const ProgramFolder here;
  REQUIRE(here.train({"--epochs", "2"}).status == 0);
  REQUIRE(report(here).status == 0);
  CHECK(content_of_page(here / "out/report.html")["evaluation"].is_null());
  REQUIRE(here.read(STRATA_EVALUATE, {"--samples", "20"}).status == 0);
  REQUIRE(here.read(STRATA_GENERATE).status == 0);
  REQUIRE(report(here).status == 0);
  const auto content = content_of_page(here / "out/report.html");
  CHECK(content["metrics"] == content_of(here / "out/metrics.csv"));
  CHECK(content["evaluation"] == nlohmann::json::parse(content_of(here / "out/evaluation.json")));
  std::vector<std::string> names;
  for (const auto& picture : content["pictures"]) {
    names.push_back(picture["name"]);
    CHECK(bytes_of(picture["png"]) == content_of(here / "out" / (names.back() + ".png")));
  }
  CHECK(names == std::vector<std::string>{"curves", "latents", "manifold", "reconstructions", "samples",
                                          "generated/interpolations", "generated/reconstructions",
                                          "generated/samples"});
  const auto& configuration = content["configuration"];
  const auto hidden = std::find_if(configuration.begin(), configuration.end(),
                                   [](const auto& option) { return option["name"] == "hidden"; });
  REQUIRE(hidden != configuration.end());
  CHECK((*hidden)["value"] == "16,8");
  CHECK((*hidden)["default"] == "500,300,150");
  const std::string page = content_of(here / "out/report.html");
  CHECK(page.find("src=\"http") == std::string::npos);
  CHECK(page.find("@page") == std::string::npos);
  CHECK(page.find("default-src 'none'") != std::string::npos);
}

TEST_CASE("A report's explorer has the model that it can compute, the units that vary most, and the labels") {
  const ProgramFolder here;
  const auto explored = [&](const Arguments& more) {
    Arguments options = more;
    options.push_back("--overwrite");
    REQUIRE(here.train(options).status == 0);
    REQUIRE(report(here).status == 0);
    return content_of_page(here / "out/report.html");
  };
  const auto plane = explored({});
  CHECK_FALSE(plane["networks"].is_null());
  CHECK(plane["latents"]["units"] == nlohmann::json{0, 1});
  CHECK(bytes_of(plane["latents"]["points"]).size() == 20 * 2 * sizeof(float));
  CHECK(plane["latents"]["labels"].size() == 20);
  CHECK(plane["labels"].size() == 10);
  CHECK(plane["classes"] == 0);

  const auto three = explored({"--latent", "3", "--conditional"});
  CHECK(three["classes"] == 10);
  CHECK(three["latents"]["points"].is_null());
  const auto &units = three["latents"]["units"], &variance = three["latents"]["variance"];
  REQUIRE(units.size() == 3);
  for (std::size_t i = 0; i < 2; ++i)
    CHECK(variance.at(units[i].get<std::size_t>()) >= variance.at(units[i + 1].get<std::size_t>()));

  for (const Arguments& beyond : {Arguments{"--prior", "mixture", "--components", "3"},
                                  {"--activation", "gated"},
                                  {"--scale", "clamped"},
                                  {"--quadrants", "1"}})
    CHECK(explored(beyond)["networks"].is_null());
}

TEST_CASE(
    "A report runs nothing that a stranger's run holds, and reads and writes nothing through its links") {
  const ProgramFolder here;
  REQUIRE(here.train().status == 0);
  std::ofstream(here / "precious") << "mine";
  fs::create_symlink("../precious", here / "out/report.html");
  fs::create_symlink("../precious", here / "out/secret.png");
  fs::create_symlink("../precious", here / "out/evaluation.json");
  REQUIRE(report(here).status == 0);
  CHECK(content_of(here / "precious") == "mine");
  CHECK(content_of(here / "out/report.html").find("secret") == std::string::npos);

  fs::remove(here / "out/evaluation.json");
  std::ofstream(here / "out/evaluation.json") << R"({"doubt": "</script><script>alert(1)</script>"})";
  REQUIRE(report(here).status == 0);
  CHECK(content_of(here / "out/report.html").find("<script>alert") == std::string::npos);
  CHECK(content_of_page(here / "out/report.html")["evaluation"]["doubt"] ==
        "</script><script>alert(1)</script>");

  const auto before = here.content();
  std::ofstream(here / "out/evaluation.json") << "torn";
  CHECK_THAT(report(here).err, Contains("out/evaluation.json: is no JSON"));
  std::ofstream(here / "out/evaluation.json") << "{}";
  std::ofstream(here / "out/metrics.csv") << "epoch,test_elbo\n1,<b>\n";
  const Ran bad = report(here);
  CHECK(bad.status == 2);
  CHECK(lines_of(bad.err).size() == 1);
  CHECK_THAT(bad.err, Contains("out/metrics.csv") && Contains("'<b>' is no number"));
  CHECK(content_of(here / "out/report.html") == before.at("out/report.html"));
}
