// The program generate.
#include <catch2/catch.hpp>
#include <fstream>

#include "strata/tests/tools/program_folder.hpp"

using namespace strata;
using namespace strata::tools;
using Catch::Matchers::Contains;

TEST_CASE("generate writes a picture of every layer that can be kept, conditional or not") {
  const ProgramFolder here;
  for (const bool conditional : {false, true}) {
    Arguments arguments = {"--latent", "6,4,3", "--upper-hidden", "5", "--overwrite"};
    if (conditional) arguments.push_back("--conditional");
    REQUIRE(here.train(arguments).status == 0);
    const Ran ran = here.read(STRATA_GENERATE);
    INFO(ran.err);
    REQUIRE(ran.status == 0);
    CHECK(lines_of(ran.out).size() == 5);
    for (const char* name : {"samples", "keep_z3", "keep_z2", "interpolations", "reconstructions"})
      CHECK(content_of(here / ("out/generated/" + std::string(name) + ".png")).size() > 1000);
    CHECK(here.read(STRATA_EVALUATE, {"--samples", "50"}).status == 0);
  }
}

TEST_CASE("generate writes what few test images are enough for") {
  const ProgramFolder here;
  REQUIRE(here.train().status == 0);
  for (const unsigned images : {10u, 1u}) {
    std::filesystem::create_directory(here / "few");
    write_images(here / "few", "train", 60);
    write_images(here / "few", "t10k", images);
    const Ran ran = run(STRATA_GENERATE, {"out", "--data", "few"}, here / "");
    INFO(ran.err);
    CHECK(ran.status == 0);
    CHECK(std::filesystem::exists(here / "out/generated/interpolations.png") == (images > 1));
    CHECK(content_of(here / "out/generated/reconstructions.png").size() > 500);
    std::filesystem::remove_all(here / "few");
    std::filesystem::remove_all(here / "out/generated");
  }
}

TEST_CASE("generate follows no link in a run's folder") {
  const ProgramFolder here;
  REQUIRE(here.train().status == 0);
  std::ofstream(here / "precious") << "mine";
  std::filesystem::create_directory(here / "out/generated");
  std::filesystem::create_symlink("../../precious", here / "out/generated/samples.png");
  REQUIRE(here.read(STRATA_GENERATE).status == 0);
  CHECK(content_of(here / "precious") == "mine");
  CHECK(content_of(here / "out/generated/samples.png").size() > 1000);
  std::filesystem::rename(here / "out/generated", here / "elsewhere");
  std::filesystem::remove(here / "elsewhere/samples.png");
  std::filesystem::create_symlink("../elsewhere", here / "out/generated");
  const Ran ran = here.read(STRATA_GENERATE);
  CHECK(ran.status == 2);
  CHECK_THAT(ran.err, Contains("out/generated: is a link, which is not followed; name a folder with --out"));
  CHECK_FALSE(std::filesystem::exists(here / "elsewhere/samples.png"));
}
