// Data that load_data refuses.
#include <catch2/catch.hpp>

#include "strata/tests/numpy_files.hpp"
#include "strata/tests/tools/data/place.hpp"

using namespace strata;
using namespace strata::tools;
using Catch::Contains;
namespace fs = std::filesystem;

TEST_CASE("Data that cannot be used are refused in one line that says why") {
  Place here;
  fs::create_directory(here / "empty");
  CHECK_THAT(here.failure("empty"), Contains("the folder is empty"));
  CHECK_THAT(here.failure("nowhere"), Contains("no such folder or file"));
  here.write("other/photo.jpg", "x");
  CHECK_THAT(here.failure("other"), Contains("neither IDX files") && Contains("but photo.jpg"));
  here.write("text.csv", "1,2,3\n4,5,6\n");
  CHECK_THAT(here.failure("text.csv"), Contains("does not begin as a NumPy array does"));
  here.write("no.npz", npz({{"weights.npy", npy("|u1", "(1,)", "x")}, {"b.npy", npy("|u1", "(1,)", "x")}}));
  CHECK_THAT(here.failure("no.npz"), Contains("no array called images or x_train, but b.npy, weights.npy"));
  here.write("pickle.npz", npz({{"images.npy", npy("|O", "(1,)", "\x80\4.")}}));
  CHECK_THAT(here.failure("pickle.npz"), Contains("images.npy: holds pickled Python objects"));
  here.write("line.npy", npy("|u1", "(4,)", "abcd"));
  CHECK_THAT(here.failure("line.npy"), Contains("images have shape (4); expected (N, height, width)"));
  here.write("none.npy", npy("|u1", "(0, 28, 28)", ""));
  CHECK_THAT(here.failure("none.npy"), Contains("(0, 28, 28); at least one pixel"));
  here.write("one.npy", npy("|u1", "(1, 1, 1)", "x"));
  CHECK_THAT(here.failure("one.npy"), Contains("has one image and no test set"));
  here.write("rgba.npy", npy("|u1", "(1, 2, 2, 4)", std::string(16, 'x')));
  CHECK_THAT(here.failure("rgba.npy"), Contains("(1, 2, 2, 4); expected"));
  here.write("cut.npy", npy("|u1", "(9, 1, 1)", "x"));
  CHECK_THAT(here.failure("cut.npy"), Contains("cut short"));
  here.write("labels.npz",
             npz({{"x.npy", npy("|u1", "(2, 1, 1)", "ab")}, {"y.npy", npy("|u1", "(3,)", "abc")}}));
  CHECK_THAT(here.failure("labels.npz"), Contains("3 labels for 2 images"));
  here.png("mixed/a.png", {2, 2}, 1);
  here.png("mixed/b.png", {2, 3}, 1);
  CHECK_THAT(here.failure("mixed"),
             Contains("b.png: is an image of (2, 3), and ") && Contains("one of (2, 2)"));
  here.png("both/a.png", {2, 2}, 1);
  here.png("both/label/b.png", {2, 2}, 1);
  CHECK_THAT(here.failure("both"), Contains("PNG files beside folders of PNG files"));
  here.write("torn/a.png", "\x89PNG\r\n\x1a\n");
  CHECK_THAT(here.failure("torn"), Contains("a.png: libpng says"));
}

TEST_CASE("IDX files whose content is wrong are named with the facts") {
  Place here;
  const auto message_with = [&](const std::string& file, const std::string& content) {
    here.write_set("bad");
    here.write("bad/" + file, content);
    return here.failure("bad");
  };
  const std::string images = "train-images-idx3-ubyte", labels = "t10k-labels-idx1-ubyte";
  CHECK_THAT(message_with(images, idx({3, 2, 3}, 1).substr(0, 20)),
             Contains("bad/" + images) && Contains("cut short"));
  CHECK_THAT(message_with(images, "<html>"), Contains("bad/" + images));
  CHECK_THAT(message_with(labels, ""), Contains("bad/" + labels));
  CHECK_THAT(message_with(images, idx({3}, 1)), Contains("images have shape (3); expected"));
  CHECK_THAT(message_with(labels, idx({2, 3}, 1)), Contains("labels have shape (2, 3), expected (N);"));
  CHECK_THAT(message_with(labels, idx({5}, 1)), Contains("5 labels for 2 images"));
  fs::remove(here / ("bad/" + images));
  CHECK_THAT(here.failure("bad"), Contains("bad: lacks train-images-idx3-ubyte (plain or .gz)"));
}
