// What events.py, which reads them, does not look at.
#include "strata/tools/run/events.hpp"

#include <catch2/catch.hpp>

#include "strata/nn/checkpoint.hpp"
#include "strata/tests/temporary_folder.hpp"
#include "strata/tests/tools/program.hpp"

using namespace strata;
using namespace strata::tools;

TEST_CASE("Events that go on from an earlier state take the place of what was written after it") {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder / "events.tfevents";
  const auto sizes = [&] { return std::filesystem::file_size(file); };
  Events events;
  events.scalar(1, "a", 0.5);
  Safetensors state;
  store(events, state);
  events.write(file);
  const std::string earlier = content_of(file);
  CHECK(earlier.substr(0, 4) == std::string("\x18\0\0\0", 4));  // of the version's event: 9 + 2 + 13 bytes
  events.scalar(2, "b", 1);
  events.write(file);
  CHECK(sizes() > earlier.size());

  Events restored;
  restore(restored, state);
  restored.go_on(file);
  restored.scalar(2, "longer", 1);
  restored.write(file);
  CHECK(content_of(file).substr(0, earlier.size()) == earlier);
  CHECK(content_of(file).find("longer") != std::string::npos);
  CHECK(content_of(file).find("\x0a\x01"
                              "b") == std::string::npos);

  // A file that is shorter than the state knows, or gone, begins anew, with a version.
  for (const bool gone : {false, true}) {
    gone ? std::filesystem::remove(file) : (std::filesystem::resize_file(file, 5), true);
    restore(restored, state);
    restored.go_on(file);
    restored.scalar(3, "c", 1);
    restored.write(file);
    CHECK(content_of(file).find("brain.Event:2") == 9 + 2 + 12);
    CHECK(sizes() < earlier.size() + 10);
  }
}

TEST_CASE("A histogram of equal values has one bucket, and of no values there is none") {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder / "events.tfevents";
  Events events;
  events.write(file);
  const auto before = std::filesystem::file_size(file);
  events.histogram(1, "h", Tensor<float>(Shape{0}));
  events.write(file);
  CHECK(std::filesystem::file_size(file) == before);
  events.histogram(1, "h", Tensor<float>(Shape{40}, 0.0f));
  events.write(file);
  const auto one = std::filesystem::file_size(file) - before;
  events.histogram(2, "h", Tensor<float>{0.f, 1.f});
  events.write(file);
  CHECK(std::filesystem::file_size(file) - before - one == one + 29 * 2 * 8 + 5);  // and five longer lengths
}

TEST_CASE("An image's event says its height, its width and how many colours it has") {
  const TemporaryFolder folder;
  const auto recorded = [&](const Shape& shape) {
    Events events;
    events.image(1, "image", Tensor<std::uint8_t>(shape, std::uint8_t{7}));
    events.write(folder / "events.tfevents");
    return content_of(folder / "events.tfevents");
  };
  CHECK(recorded({2, 3}).find("\x08\x02\x10\x03\x18\x01\x22") != std::string::npos);
  CHECK(recorded({2, 3, 3}).find("\x08\x02\x10\x03\x18\x03\x22") != std::string::npos);
}

TEST_CASE("Round numbers are those with zeros after so many digits") {
  std::size_t count = 0;
  for (std::size_t n = 1; n <= 10'000; ++n) count += is_round(n, 2);
  CHECK(count == 99 + 90 + 90 + 1);
  CHECK(is_round(990, 2));
  CHECK_FALSE(is_round(999, 2));
  CHECK(is_round(999, 3));
  CHECK_FALSE(is_round(1001, 3));
  CHECK(is_round(1'010'000, 3));
}
