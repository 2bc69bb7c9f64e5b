#include "strata/nn/ema.hpp"

#include <catch2/catch.hpp>

#include "strata/nn/batch_norm.hpp"
#include "strata/nn/checkpoint.hpp"
#include "strata/nn/linear.hpp"
#include "strata/tests/temporary_folder.hpp"

using namespace strata;

TEST_CASE("An average is the plain mean of the first weights, then forgets exponentially") {
  Rng rng{1};
  Linear<double> model(1, 1, Init::he, rng);
  Ema ema(model, 0.75);
  const auto see = [&](double weight) {
    model.weight.write().fill(weight);
    ema.update();
    return ema.average.weight.value()(0, 0);
  };
  CHECK(see(4) == 4);  // not a trace of the initial weight
  CHECK(see(8) == 6);
  CHECK(see(0) == Approx(4));
  CHECK(see(8) == Approx(5));
  CHECK(see(1) == Approx(0.75 * 5 + 0.25 * 1));
  CHECK(see(1) == Approx(0.75 * 4 + 0.25 * 1));
  CHECK(model.weight.value()(0, 0) == 1);
}

TEST_CASE("Running averages are averaged too, and without decay an average is the model") {
  BatchNorm<float> model(2);
  Ema ema(model, 0.5), none(model, 0);
  for (const float value : {1.0f, 3.0f, 7.0f}) {
    model.running_mean.write().fill(value);
    ema.update();
    none.update();
  }
  CHECK(ema.average.running_mean.value()(1) == 4.5f);  // ½ (½ (1 + 3) + 7)
  CHECK(none.average.running_mean.value()(1) == 7);
  CHECK_THROWS_WITH((Ema<BatchNorm<float>>(model, 1)), "[Ema] the decay is 1.000000; it must lie in [0, 1)");
}

TEST_CASE("An average goes on from its file as if it had not stopped") {
  Rng rng{1};
  Linear<float> model(3, 2, Init::he, rng);
  Ema ema(model, 0.9), resumed(model, 0.9);
  for (int i = 0; i < 3; ++i) {
    model.weight.write() *= 1.5f;
    ema.update();
  }
  const TemporaryFolder folder;
  store(ema, folder / "ema.safetensors");
  restore(resumed, folder / "ema.safetensors");
  model.bias.write() += 1.0f;
  ema.update();
  resumed.update();
  CHECK((ema.average.weight.value() == resumed.average.weight.value()));
  CHECK((ema.average.bias.value() == resumed.average.bias.value()));
  CHECK(resumed.steps == 4);
}
