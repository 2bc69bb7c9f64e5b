#include "strata/tools/pictures/curves.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "strata/tools/pictures/canvas.hpp"

using namespace strata;
using namespace strata::tools;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

// How many pixels have nearly this colour.
std::size_t count(const Tensor<std::uint8_t>& picture, const Colour& colour) {
  std::size_t pixels = 0;
  for (std::size_t i = 0; i < picture.size(); i += 3)
    pixels += std::equal(colour.begin(), colour.end(), picture.data() + i,
                         [](int a, int b) { return std::abs(a - b) < 40; });
  return pixels;
}

}  // namespace

TEST_CASE("Curves rise with their numbers, each in its colour, and the best row is marked") {
  const MetricsTable table{{"epoch", "up", "down"}, {{1, 2, 3}, {0, 1, 2}, {2, 1, 0}}};
  const auto picture = curves(table, {{"both", {"up", "down"}}}, 1);
  // The mean height of a colour left and right of the middle, without the legend.
  const auto height = [&](const Colour& colour, bool right) {
    double sum = 0, n = 0;
    for (std::size_t y = 0; y < picture.shape(0); ++y)
      for (std::size_t x = right ? 400 : 0; x < (right ? 690u : 390u); ++x)
        if (std::equal(colour.begin(), colour.end(), &picture(y, x, 0))) sum += static_cast<double>(y), ++n;
    return sum / n;
  };
  CHECK(height(class_colours[0], true) < height(class_colours[0], false) - 20);
  CHECK(height(class_colours[1], true) > height(class_colours[1], false) + 20);
  CHECK(count(picture, class_colours[2]) == 0);
  const auto marked_column = [&](std::size_t best) {
    const auto drawn = curves(table, {{"both", {"up"}}}, best);
    for (std::size_t x = 97; x < 699; ++x)
      if (std::equal(ink.begin(), ink.end(), &drawn(100, x, 0))) return x;
    return std::size_t{0};
  };
  CHECK(marked_column(0) < marked_column(1));
  CHECK(marked_column(1) < marked_column(2));
  CHECK_THROWS_WITH(curves(table, {{"both", {"sideways"}}}, 1), "[metrics] there is no column 'sideways'");
  CHECK_THROWS_WITH(curves(table, {}, 3), "[curves] there is no row 3");
}

TEST_CASE("Curves of one row, of equal numbers and with gaps are pictures, too") {
  CHECK(count(curves({{"epoch", "y"}, {{1}, {5}}}, {{"y", {"y"}}}, 0), class_colours[0]) > 100);
  const auto gap = [&](double middle) {
    return count(curves({{"epoch", "y"}, {{1, 2, 3}, {1, middle, 1}}}, {{"y", {"y"}}}, 0), class_colours[0]);
  };
  CHECK(gap(1) > gap(not_a_number) + 500);
}

TEST_CASE("The picture is as wide as its longest name") {
  const auto picture = curves({{"epoch", "test_classification_error"}, {{1, 2}, {5, 6}}},
                              {{"y", {"test_classification_error"}}}, 0);
  const auto drawn = [&](std::size_t x) {
    const auto column = xt::view(picture, xt::all(), x, xt::all());
    return xt::amin(column)() < 255;
  };
  const std::size_t width = picture.shape(1);
  bool in_the_end = false;
  for (std::size_t x = width - 32; x < width - 20; ++x) in_the_end = in_the_end || drawn(x);
  CHECK(in_the_end);  // the last letter
  for (std::size_t x = width - 15; x < width; ++x) CHECK(!drawn(x));
}

TEST_CASE("Every epoch has all columns of metrics.csv, and a table that began without one goes on without") {
  MetricsCsv metrics(1, true, {"test_classification_error"});
  EpochRecord record{1, {-3, {1}}, {-2, {1}}, {4}, 1e-3, 2, 3, Metrics{-5, {1}}, {0.25}};
  metrics.record(record);
  record.further = {};
  metrics.record(record);
  const auto table = metrics.table();
  CHECK(table.names.back() == "test_classification_error");
  CHECK(table.column("epoch")[1] == 1);
  CHECK(table.column("active_1")[1] == 4);
  CHECK(table.column("validation_kl")[1] == 1);
  CHECK(table.column("test_classification_error")[0] == 0.25);
  CHECK(std::isnan(table.column("test_classification_error")[1]));
  MetricsCsv older(1);
  record = {1, {-3, {1}}, {-2, {1}}, {4}, 1e-3, 2, 3, {}, {0.25}};
  older.record(record);
  CHECK(older.table().column("active_1") == std::vector<double>{4});
  CHECK(picture_curves(table).shape(0) > picture_curves(older.table()).shape(0));  // one plot more
}

TEST_CASE("metrics.csv is read back by columns, and its best line is that of the largest bound") {
  const auto table = parse_metrics("epoch,test_elbo,kl_1\n1,-3,nan\n2,-1.5,1e2\n3,-2,0\n");
  CHECK(table.names == std::vector<std::string>{"epoch", "test_elbo", "kl_1"});
  CHECK(table.column("kl_1")[1] == 100);
  CHECK(table.best() == 1);
  CHECK(parse_metrics("epoch,test_elbo,validation_elbo\n1,-3,-1\n2,-1.5,-2\n").best() == 0);
  CHECK(parse_metrics("epoch,test_elbo\n1,nan\n2,-4\n3,-3\n4,nan\n").best() == 2);
  CHECK_THROWS_WITH(parse_metrics("a,b\n1\n"), "[metrics] '1' has 1 cells, not 2");
  CHECK_THROWS_WITH(parse_metrics("a,b\n1,x\n"), "[metrics] 'x' is no number");
  CHECK_THROWS_WITH(parse_metrics("a,b\n1,\n"), Catch::Contains("cells"));
}
