#include "strata/tools/data/image_data.hpp"

#include <catch2/catch.hpp>

#include "strata/tests/gzip.hpp"
#include "strata/tests/numpy_files.hpp"
#include "strata/tests/tools/data/place.hpp"
#include "strata/tools/data/grey.hpp"

using namespace strata;
using namespace strata::tools;
using Catch::Contains;
namespace fs = std::filesystem;

TEST_CASE("A folder of IDX files gives images of their own size, and labels of any base in order") {
  Place here;
  here.write_set("digits");
  const ImageData data = here.load("digits");
  CHECK((images_of(data.train).shape() == Shape{3, 2, 3}));
  CHECK(images_of(data.train)(2, 1, 2) == 190);
  CHECK((images_of(data.test) == Tensor<std::uint8_t>(Shape{2, 2, 3}, 100)));
  CHECK(data.labels == std::vector<std::string>{"7", "8", "9"});
  CHECK((*data.train.labels == Tensor<std::uint32_t>{0, 1, 2}));
  CHECK((*data.test.labels == Tensor<std::uint32_t>{0, 1}));
  CHECK(data.train.classes == 3);
  CHECK(data.test.classes == 3);
  CHECK(data.name == "digits");
  CHECK(here.load("digits/").name == "digits");
  CHECK(here.said().empty());
  CHECK_THAT(describe(data), Contains("digits from ") &&
                                 Contains(": 3 training and 2 test images of 2 x 3, 3 labels (7 to 9)"));
}

TEST_CASE("IDX files may have any of their usual names, and no labels") {
  Place here;
  here.write_set("plain");
  const std::string checksum = here.load("plain").checksum;
  const std::array<const char*, 5> sets[] = {
      {"", "train-images.idx3-ubyte", "train-labels.idx1-ubyte", "t10k-images.idx3-ubyte",
       "t10k-labels.idx1-ubyte"},
      {"", "train_images-idx3-ubyte", "train_labels-idx1-ubyte", "test_images-idx3-ubyte",
       "test_labels-idx1-ubyte"},
      {"", "emnist-letters-train-images-idx3-ubyte", "emnist-letters-train-labels-idx1-ubyte",
       "emnist-letters-test-images-idx3-ubyte", "emnist-letters-test-labels-idx1-ubyte"},
      {"gz", "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images.idx3-ubyte.gz",
       "t10k-labels-idx1-ubyte.gz"}};
  for (const auto& [packed, a, b, c, d] : sets) {
    const auto bytes = [&, gz = std::string(packed)](const std::string& x) {
      return gz.empty() ? x : gzip(x);
    };
    fs::remove_all(here / "set");
    here.write(std::string("set/") + a, bytes(idx({3, 2, 3}, 20, 10)));
    here.write(std::string("set/") + b, bytes(idx({3}, 7, 1)));
    here.write(std::string("set/") + c, bytes(idx({2, 2, 3}, 100)));
    here.write(std::string("set/") + d, bytes(idx({2}, 7, 1)));
    here.write("set/readme.txt", "train images");
    INFO(a);
    CHECK(here.load("set").checksum == checksum);
  }
  fs::remove(here / "set/train-labels-idx1-ubyte.gz");
  const ImageData partly = here.load("set");
  CHECK_FALSE(partly.train.labels.has_value());
  CHECK(partly.train.classes == 0);
  CHECK(partly.test.labels.has_value());
  CHECK(partly.checksum != checksum);
}

TEST_CASE("A file under a near name is named, not passed over") {
  Place here;
  here.write_set("set");
  const auto renamed = [&](const std::string& from, const std::string& to) {
    here.write_set("set");
    fs::rename(here / ("set/" + from), here / ("set/" + to));
    const std::string message = here.failure("set");
    fs::remove(here / ("set/" + to));
    return message;
  };
  CHECK_THAT(renamed("train-images-idx3-ubyte", "train-images-idx3-ubyte.zip"),
             Contains("lacks train-images-idx3-ubyte, and has train-images-idx3-ubyte.zip; if it is that"));
  CHECK_THAT(renamed("train-images-idx3-ubyte", "tran-images-idx3-ubyte"),
             Contains("has tran-images-idx3-ubyte"));
  CHECK_THAT(renamed("t10k-images-idx3-ubyte", "t10k-images"), Contains("has t10k-images; if"));
  CHECK_THAT(renamed("train-labels-idx1-ubyte", "TrainLabels.idx1"), Contains("has TrainLabels.idx1"));
  here.write_set("set");
  here.write("set/emnist-digits-train-images-idx3-ubyte", idx({3, 2, 3}, 0));
  CHECK_THAT(here.failure("set"), Contains("has emnist-digits-train-images-idx3-ubyte and "
                                           "train-images-idx3-ubyte; give each set a folder of its own"));
}

TEST_CASE("NumPy files, PNG files and IDX files of the same images have one checksum") {
  Place here;
  here.write_set("set");
  const auto pixels = [](int first, int step, std::size_t count) {
    std::string bytes;
    for (std::size_t i = 0; i < count; ++i) bytes += static_cast<char>(first + step * static_cast<int>(i));
    return bytes;
  };
  const std::string x = npy("|u1", "(3, 2, 3)", pixels(20, 10, 18)), y = npy("|i1", "(3, 1)", "\7\x8\x9"),
                    other_x = npy("|u1", "(2, 2, 3, 1)", pixels(100, 0, 12)),
                    other_y = npy("|u1", "(2,)", "\7\x8");
  const std::string checksum = here.load("set").checksum;
  here.write("a.npz",
             npz({{"x_train.npy", x}, {"y_train.npy", y}, {"x_test.npy", other_x}, {"y_test.npy", other_y}}));
  CHECK(here.load("a.npz").checksum == checksum);
  CHECK(here.load("a.npz").name == "a");
  CHECK(here.said().empty());
  here.write("b.npz", npz({{"train_images.npy", x},
                           {"trainY.npy", y},
                           {"test/images.npy", other_x},
                           {"test-labels.npy", other_y},
                           {"val_images.npy", x}},
                          false));
  CHECK(here.load("b.npz").checksum == checksum);
  CHECK_THAT(here.said(), Contains("b.npz: val_images.npy: not used"));

  // The same in folders named by the labels.
  for (int i = 0; i < 3; ++i) {
    Tensor<std::uint8_t> image = Tensor<std::uint8_t>::from_shape({2, 3});
    for (std::size_t p = 0; p < 6; ++p)
      image.data()[p] = static_cast<std::uint8_t>(20 + 10 * (6 * i + static_cast<int>(p)));
    fs::create_directories(here / ("png/train/" + std::to_string(7 + i)));
    write_png(here / ("png/train/" + std::to_string(7 + i) + "/x.png"), image);
  }
  for (const char* label : {"7", "8"}) here.png("png/test/" + std::string(label) + "/x.png", {2, 3}, 100);
  CHECK(here.load("png").checksum == checksum);
  CHECK(here.load("png").labels == std::vector<std::string>{"7", "8", "9"});
}

TEST_CASE("Floats stay floats, other whole numbers become bytes, and flat images squares or rows") {
  Place here;
  const auto floats = [](std::size_t count) {
    std::string bytes;
    for (std::size_t i = 0; i < count; ++i) {
      const double x = static_cast<double>(i) / 100;
      bytes.append(reinterpret_cast<const char*>(&x), sizeof x);
    }
    return bytes;
  };
  here.write("f.npy", npy("<f8", "(3, 4)", floats(12)));
  const ImageData data = here.load("f.npy");
  CHECK((std::get<Tensor<float>>(data.train.examples).shape() == Shape{2, 2, 2}));
  CHECK(std::get<Tensor<float>>(data.test.examples)(0, 1, 1) == 0.11f);
  CHECK_THAT(here.said(), Contains("4 values each are taken as images of 2 x 2") &&
                              Contains("no test set; one in 3 of 3 images is held out for it"));
  here.write("f.npy", npy("<f8", "(2, 6)", floats(12)));
  CHECK((here.load("f.npy").train.example_shape() == Shape{1, 6}));
  here.write("i.npy", npy("<i2", "(2, 1, 2)", std::string("\1\0\xff\0\0\0\0\0", 8)));
  CHECK((images_of(here.load("i.npy").train) == Tensor<std::uint8_t>{{{1, 255}}}));
  here.write("i.npy", npy("<i2", "(2, 1, 2)", std::string("\1\0\0\1\0\0\0\0", 8)));
  CHECK_THAT(here.failure("i.npy"), Contains("element 1 is 256, but whole numbers from 0 to 255"));
}

TEST_CASE("Colours become grey, wherever their axis is, and it is said") {
  CHECK((grey(Tensor<std::uint8_t>{{{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {9, 9, 9}}}, 2) ==
         Tensor<std::uint8_t>{{76, 150, 29, 9}}));
  CHECK(grey(Tensor<float>{{1.f, 0.f, 0.f}}, 1)(0) == 0.299f);
  Place here;
  const std::string last = std::string("\xff\0\0\0\xff\0", 6), first = std::string("\xff\0\0\xff\0\0", 6);
  here.write("last.npy", npy("|u1", "(2, 1, 2, 3)", last + last));
  here.write("first.npy", npy("|u1", "(2, 3, 1, 2)", first + first));
  for (const char* file : {"last.npy", "first.npy"}) {
    CHECK((images_of(here.load(file).train) == Tensor<std::uint8_t>{{{76, 150}}}));
    CHECK_THAT(here.said(), Contains(std::string(file) + ": images have colours, which are made grey"));
  }
  here.png("png/a.png", {2, 2, 3}, 8);
  here.png("png/b.PNG", {2, 2}, 8);
  CHECK((images_of(here.load("png").train) == Tensor<std::uint8_t>(Shape{1, 2, 2}, 8)));
  CHECK_THAT(here.said(), Contains("1 of 2 images have colours, which are made grey"));
  CHECK_FALSE(here.load("png").train.labels.has_value());
}

TEST_CASE("Labels of PNG folders are spread over the order of the images, numbers by their value") {
  Place here;
  for (int i = 0; i < 20; ++i)
    here.png((i < 10 ? "p/2/" : "p/10/") + std::string(1, static_cast<char>('a' + i)) + ".png", {1, 1}, 1);
  const ImageData data = here.load("p");
  CHECK(data.labels == std::vector<std::string>{"2", "10"});
  CHECK(data.test.size() == 2);
  for (std::size_t i = 0; i + 1 < 8; i += 2)
    CHECK((*data.train.labels)(i) + (*data.train.labels)(i + 1) == 1);
}

TEST_CASE("Bytes of 0 and 1 are black and white, and it is said") {
  Place here;
  here.write_set("binary");
  here.write("binary/train-images-idx3-ubyte", idx({3, 2, 3}, 1));
  here.write("binary/t10k-images-idx3-ubyte", idx({2, 2, 3}, 0));
  const ImageData data = here.load("binary");
  CHECK((images_of(data.train) == Tensor<std::uint8_t>(Shape{3, 2, 3}, 255)));
  CHECK((images_of(data.test) == Tensor<std::uint8_t>(Shape{2, 2, 3}, 0)));
  CHECK_THAT(here.said(), Contains("train-images-idx3-ubyte: no byte is above 1; 0 is taken as black"));
  CHECK_THAT(here.said(), !Contains("t10k"));
  here.write("binary/train-images-idx3-ubyte", idx({3, 2, 3}, 2));
  CHECK((images_of(here.load("binary").train) == Tensor<std::uint8_t>(Shape{3, 2, 3}, 2)));
  CHECK(here.said().empty());
}

TEST_CASE("Without a test set one image in ten is held out, and validation takes the last") {
  Place here;
  here.write("set/train-images-idx3-ubyte", idx({30, 1, 2}, 0, 1));
  here.write("set/train-labels-idx1-ubyte", idx({30}, 1, 1));
  ImageData data = here.load("set");
  CHECK_THAT(here.said(),
             Contains("no test set; one in 10 of 30 images is held out for it, and not trained on"));
  CHECK((images_of(data.test) == Tensor<std::uint8_t>{{{18, 19}}, {{38, 39}}, {{58, 59}}}));
  CHECK((*data.test.labels == Tensor<std::uint32_t>{9, 19, 29}));
  CHECK(data.train.size() == 27);
  CHECK(images_of(data.train)(9, 0, 0) == 20);
  hold_out_validation(data, 7);
  CHECK(data.train.size() == 20);
  CHECK((*data.validation->labels)(6) == 28);
  CHECK_THAT(describe(data), Contains("20 training, 7 validation and 3 test images"));
  CHECK_THROWS_WITH(hold_out_validation(data, 20),
                    "[validation] it is 20, but there are 20 training images, some of which must be left");
}

TEST_CASE("A test set of another size is not used, and it is said") {
  Place here;
  here.write_set("set");
  here.write("set/train-images-idx3-ubyte", idx({3, 1, 9}, 0, 5));
  const ImageData data = here.load("set");
  CHECK((data.train.example_shape() == Shape{1, 9}));
  CHECK((images_of(data.test) == Tensor<std::uint8_t>{{{90, 95, 100, 105, 110, 115, 120, 125, 130}}}));
  CHECK_THAT(here.said(), Contains("images are (2, 3), and those to train on (1, 9); not used") &&
                              Contains("one in 3 of 3 images is held out"));
}

TEST_CASE("More labels than a byte holds are kept") {
  Place here;
  std::string labels;
  for (int i = 0; i < 300; ++i) {
    const std::int16_t label = static_cast<std::int16_t>(i * 100 - 50);
    labels.append(reinterpret_cast<const char*>(&label), 2);
  }
  here.write("x.npz", npz({{"images.npy", npy("|u1", "(300, 1, 1)", std::string(300, '\2'))},
                           {"labels.npy", npy("<i2", "(300,)", labels)}}));
  const ImageData data = here.load("x.npz");
  CHECK(data.train.classes == 300);
  CHECK(data.labels.front() == "-50");
  CHECK(data.labels.back() == "29850");
  CHECK((*data.test.labels)(29) == 299);
}

TEST_CASE("A data set's name and folder command no terminal") {
  Place here;
  here.write_set("\x1b[31mred");
  CHECK_THAT(describe(here.load("\x1b[31mred")), Contains("\\x1b[31mred from ") && !Contains("\x1b"));
}

TEST_CASE("A description groups the digits of large counts") {
  ImageData data{"MNIST", "data/mnist", {}, {"0", "9"}, {}, {}};
  data.train.examples = Tensor<std::uint8_t>(Shape{60'000, 1, 1});
  data.test.examples = Tensor<std::uint8_t>(Shape{1'234'567, 1, 1});
  CHECK(describe(data) ==
        "MNIST from data/mnist: 60,000 training and 1,234,567 test images of 1 x 1, 2 labels (0 to 9)");
}
