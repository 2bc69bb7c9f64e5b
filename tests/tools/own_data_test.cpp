// The programs on a user's own data: every form is trained on, evaluated and pictured, or refused.
#include <catch2/catch.hpp>
#include <fstream>

#include "strata/tensor/io/png.hpp"
#include "strata/tensor/io/safetensors.hpp"
#include "strata/tests/numpy_files.hpp"
#include "strata/tests/tools/program_folder.hpp"

using namespace strata;
using namespace strata::tools;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

// 40 images of 6 × 10 pixels, bright at the left or at the right, as bytes or floats.
std::string pixels(bool floats, std::size_t channels = 1) {
  std::string bytes;
  for (std::size_t i = 0; i < 40; ++i)
    for (std::size_t p = 0; p < 60 * channels; ++p) {
      const bool bright = p / channels % 10 / 5 == i % 2;
      const float level = bright ? 0.9f : 0.05f;
      if (floats)
        bytes.append(reinterpret_cast<const char*>(&level), sizeof level);
      else
        bytes += static_cast<char>(level * 255);
    }
  return bytes;
}

void write(const fs::path& file, const std::string& bytes) {
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << bytes;
}

Arguments with_data(const std::string& data, const Arguments& more = {}) {
  Arguments all = {"--data", data};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace

TEST_CASE("Every form of data is trained on, evaluated and pictured at its own size") {
  const ProgramFolder here;
  write(here / "bytes.npy", npy("|u1", "(40, 6, 10)", pixels(false)));
  write(here / "floats.npz", npz({{"images.npy", npy("<f4", "(40, 6, 10)", pixels(true))}}));
  write(here / "colours.npz", npz({{"x_train.npy", npy("|u1", "(40, 6, 10, 3)", pixels(false, 3))},
                                   {"y_train.npy", npy("<i8", "(40,)", [] {
                                      std::string labels;
                                      for (std::int64_t i = 0; i < 40; ++i) {
                                        const std::int64_t label = 1 + i % 26;
                                        labels.append(reinterpret_cast<const char*>(&label), 8);
                                      }
                                      return labels;
                                    }())}}));
  const std::string all = pixels(false);
  for (std::size_t i = 0; i < 40; ++i) {
    auto image = Tensor<std::uint8_t>::from_shape({6, 10});
    std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(60 * i), 60, image.begin());
    const fs::path folder = here / (i % 2 == 0 ? "png/left" : "png/right");
    fs::create_directories(folder);
    write_png(folder / (std::to_string(i) + ".png"), image);
  }
  struct Form {
    const char* data;
    Arguments more;
  };
  for (const auto& [data, more] : {Form{"bytes.npy", {}}, Form{"floats.npz", {}},
                                   Form{"colours.npz", {"--conditional"}}, Form{"png", {"--conditional"}}}) {
    Arguments arguments = with_data(data, more);
    arguments.push_back("--overwrite");
    const Ran ran = here.train(arguments);
    INFO(data << ran.out << ran.err);
    REQUIRE(ran.status == 0);
    CHECK_THAT(ran.out, Contains("36 training and 4 test images of 6 x 10"));
    CHECK_THAT(ran.err, Contains("one in 10 of 40 images is held out"));
    const auto samples = read_png(here / "out/samples.png");
    const std::size_t rows = std::string(data) == "colours.npz" ? 26 : 10;  // ten images each, gaps between
    const std::size_t height = rows * (6 * 6 + 2) + 2, width = 10 * (6 * 10 + 2) + 2;
    CHECK((samples.shape(0) > height && samples.shape(0) < height + 80));  // a frame of words
    CHECK((samples.shape(1) > width && samples.shape(1) < width + 120));
    CHECK(run(STRATA_EVALUATE, {"out", "--data", data, "--samples", "5"}, here.path()).status == 0);
    if (more.empty()) continue;
    const Ran other = here.read(STRATA_EVALUATE, {"--samples", "5"});
    CHECK(other.status == 2);
    CHECK_THAT(other.err, Contains("the images of data (data), of 784 pixels instead of 60"));
  }
}

TEST_CASE("The data's checksum, not their name, tells whether a run was trained on them") {
  const ProgramFolder here;
  REQUIRE(here.train().status == 0);
  const auto evaluated = [&](const std::string& data) {
    return run("/usr/bin/env", {"STRATA_MNIST_DIR=" + data, STRATA_EVALUATE, "out", "--samples", "5"},
               here.path());
  };
  fs::copy(here / "data", here / "renamed");
  CHECK(evaluated("renamed").status == 0);
  fs::create_directories(here / "elsewhere/data");
  write_images(here / "elsewhere/data", "train", 30);
  write_images(here / "elsewhere/data", "t10k", 20);
  const Ran ran = evaluated("elsewhere/data");
  CHECK(ran.status == 2);
  CHECK_THAT(ran.err, Contains("trained on data, and these are the images of data (elsewhere/data)"));
}

TEST_CASE("Data that no run can use are refused in one line, and nothing is written") {
  const ProgramFolder here;
  write(here / "bright.npy", npy("<f4", "(40, 3, 5)", [] {
          std::string bytes;
          for (int i = 0; i < 600; ++i) {
            const float x = i == 17 ? 1.5f : 0.5f;
            bytes.append(reinterpret_cast<const char*>(&x), sizeof x);
          }
          return bytes;
        }()));
  write(here / "bad.npz",
        npz({{"weights.npy", npy("|u1", "(1,)", "x")}, {"b.npy", npy("|u1", "(1,)", "x")}}));
  write(here / "pickle.npy", npy("|O", "(3,)", "\x80\4."));
  fs::create_directory(here / "empty");
  const auto before = here.content();
  const auto refused = [&](const std::string& data, const std::string& words, const Arguments& more = {}) {
    const Ran ran = here.train(with_data(data, more));
    INFO(data << ": " << ran.err);
    CHECK(ran.status == 2);
    CHECK_THAT(ran.err, Contains(words));
    CHECK(lines_of(ran.err).size() == 1);
    CHECK((here.content() == before));
  };
  const std::string beyond = " is 1.5 at (1, 0, 2); it must lie in [0, 1]";
  refused("bright.npy", "[data] the data" + beyond, {"--binarize", "none"});
  refused("bright.npy", "[data] the data to be binarised" + beyond, {"--binarize", "dynamic"});
  refused("bad.npz", "no array called images");
  refused("pickle.npy", "pickled Python objects");
  refused("empty", "the folder is empty");
  CHECK(here.train(with_data("bright.npy", {"--binarize", "none", "--likelihood", "normal"})).status == 0);
}
