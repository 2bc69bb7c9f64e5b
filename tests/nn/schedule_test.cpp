#include "nn/schedule.hpp"

#include <catch2/catch.hpp>
#include <cmath>

using namespace strata;

TEST_CASE("Schedules give the factor of each epoch") {
  CHECK(schedule_factor(ConstantSchedule{}, 1000) == 1);

  const Schedule step = StepSchedule{3, 0.1};
  CHECK(schedule_factor(step, 2) == 1);
  CHECK(schedule_factor(step, 3) == Approx(0.1));
  CHECK(schedule_factor(step, 8) == Approx(0.01));

  const Schedule cosine = CosineSchedule{100, 0.1};
  CHECK(schedule_factor(cosine, 0) == 1);
  CHECK(schedule_factor(cosine, 50) == Approx(0.55));
  CHECK(schedule_factor(cosine, 100) == Approx(0.1));
  CHECK(schedule_factor(cosine, 200) == Approx(0.1));
}

TEST_CASE("Burda's stages last 3^i epochs") {
  std::size_t epoch = 0, length = 1;
  for (int stage = 0; stage < 8; ++stage, length *= 3)
    for (std::size_t k = 0; k < length; ++k, ++epoch) {
      INFO("epoch " << epoch);
      CHECK(schedule_factor(BurdaSchedule{}, epoch) == Approx(std::pow(10, -stage / 7.0)));
    }
  CHECK(epoch == 3280);
  CHECK(schedule_factor(BurdaSchedule{}, 5000) == Approx(0.1));
  CHECK(schedule_factor(BurdaSchedule{328}, 327) == Approx(0.1));
  CHECK(schedule_factor(BurdaSchedule{328}, 0) == 1);
  CHECK(schedule_factor(BurdaSchedule{328}, 4) == schedule_factor(BurdaSchedule{}, 40));
}

TEST_CASE("Schedules are known by name") {
  CHECK(schedule_factor(parse_schedule("cosine", 10), 5) == Approx(0.5));
  CHECK(schedule_factor(parse_schedule("burda", 3280), 1) == Approx(std::pow(10, -1 / 7.0)));
  for (const std::size_t epochs : {5, 10, 19, 29, 100}) {
    const auto step = parse_schedule("step", epochs);
    CHECK(schedule_factor(step, (epochs + 9) / 10 - 1) == 1);
    CHECK(schedule_factor(step, (epochs + 9) / 10) == 0.5);
    CHECK(schedule_factor(step, epochs - 1) >= std::pow(0.5, 9));
  }
  CHECK_THROWS_WITH(parse_schedule("linear", 10),
                    "[schedule] 'linear' is unknown; there are constant, step, cosine, burda");
}
