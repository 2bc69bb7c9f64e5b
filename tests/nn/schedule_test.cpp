#include "strata/nn/schedule.hpp"

#include <catch2/catch.hpp>
#include <cmath>

using namespace strata;

TEST_CASE("Schedules give the factor of each epoch") {
  CHECK(ConstantSchedule{}(1000) == 1);

  const Schedule step = StepSchedule{3, 0.1};
  CHECK(step(2) == 1);
  CHECK(step(3) == Approx(0.1));
  CHECK(step(8) == Approx(0.01));

  const Schedule cosine = CosineSchedule{100, 0.1};
  CHECK(cosine(0) == 1);
  CHECK(cosine(50) == Approx(0.55));
  CHECK(cosine(100) == Approx(0.1));
  CHECK(cosine(200) == Approx(0.1));
}

TEST_CASE("Burda's stages last 3^i epochs") {
  std::size_t epoch = 0, length = 1;
  for (int stage = 0; stage < 8; ++stage, length *= 3)
    for (std::size_t k = 0; k < length; ++k, ++epoch) {
      INFO("epoch " << epoch);
      CHECK(BurdaSchedule{}(epoch) == Approx(std::pow(10, -stage / 7.0)));
    }
  CHECK(epoch == 3280);
  CHECK(BurdaSchedule{}(5000) == Approx(0.1));
  CHECK(BurdaSchedule{328}(327) == Approx(0.1));
  CHECK(BurdaSchedule{328}(0) == 1);
  CHECK(BurdaSchedule{328}(4) == BurdaSchedule{}(40));
}

TEST_CASE("Schedules are known by name") {
  CHECK(make_schedule(parse<Decay>("cosine"), 10)(5) == Approx(0.5));
  CHECK(make_schedule(Decay::burda, 3280)(1) == Approx(std::pow(10, -1 / 7.0)));
  for (const std::size_t epochs : {5, 10, 19, 29, 100}) {
    const auto step = make_schedule(Decay::step, epochs);
    CHECK(step((epochs + 9) / 10 - 1) == 1);
    CHECK(step((epochs + 9) / 10) == 0.5);
    CHECK(step(epochs - 1) >= std::pow(0.5, 9));
  }
  CHECK_THROWS_WITH(parse<Decay>("linear"),
                    "[schedule] 'linear' is unknown; there are constant, step, cosine, burda");
}
