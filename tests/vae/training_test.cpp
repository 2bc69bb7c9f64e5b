#include "vae/training.hpp"

#include <catch2/catch.hpp>

#include "vae/vae.hpp"

using namespace strata;

namespace {

// Images of two kinds, each with its own half lit.
ImageSet images(std::size_t count) {
  ImageSet set{Tensor<std::uint8_t>(Shape{count, 4, 4}, std::uint8_t{0}),
               Tensor<std::uint8_t>(Shape{count}, std::uint8_t{0})};
  for (std::size_t i = 0; i < count; ++i) {
    xt::view(set.images, i, xt::range(i % 2 * 2, i % 2 * 2 + 2), xt::all()) = std::uint8_t{255};
    set.labels(i) = static_cast<std::uint8_t>(i % 2);
  }
  return set;
}

struct Run {
  Rng rng{1};
  Vae<float> vae{{.data = 16, .hidden = {8}, .latent = 2}, rng};
  Optimizer<float> optimizer{parameters<float>(vae), Adam{}, 1e-2};
};

const auto no_report = [](std::size_t, const Metrics&) {};

}  // namespace

TEST_CASE("Batches hold the named images, as they are, thresholded, or drawn") {
  Tensor<std::uint8_t> bytes = {{0, 51, 127, 128}, {255, 204, 64, 1}};
  Tensor<double> x;
  Rng rng{1};
  const std::vector<std::size_t> rows = {1, 0, 1};
  gather_batch(bytes, rows, Binarize::none, rng, x);
  CHECK(xt::allclose(x,
                     Tensor<double>{{1, 0.8, 64 / 255.0, 1 / 255.0},
                                    {0, 0.2, 127 / 255.0, 128 / 255.0},
                                    {1, 0.8, 64 / 255.0, 1 / 255.0}},
                     1e-14));
  gather_batch(bytes, rows, Binarize::threshold, rng, x);
  CHECK((x == Tensor<double>{{1, 1, 0, 0}, {0, 0, 0, 1}, {1, 1, 0, 0}}));
  Tensor<double> sum = xt::zeros<double>({3, 4});
  for (int draw = 0; draw < 4000; ++draw) {
    gather_batch(bytes, rows, Binarize::dynamic, rng, x);
    sum += x / 4000.0;
  }
  CHECK(sum(0, 0) == Approx(1));
  CHECK(sum(1, 0) == 0);
  CHECK(sum(0, 1) == Approx(0.8).margin(0.03));
  CHECK(sum(1, 2) == Approx(127 / 255.0).margin(0.03));
}

TEST_CASE("Labels become unit vectors") {
  Tensor<double> c;
  const std::vector<std::size_t> rows = {2, 0};
  gather_one_hot({1, 0, 2}, rows, 3, c);
  CHECK((c == Tensor<double>{{0, 0, 1}, {0, 1, 0}}));
  CHECK_THROWS_WITH(gather_one_hot({1, 0, 3}, rows, 3, c), "[gather_one_hot] label 3 is none of 3 classes");
}

TEST_CASE("Training comes near the entropy of a data set of two images") {
  Run run;
  const auto x = images(64);
  Trainer trainer(run.vae, x, run.optimizer, {.batch = 16, .schedule = CosineSchedule{300}});
  for (int epoch = 0; epoch < 300; ++epoch) trainer.run_epoch(no_report);
  const double elbo = trainer.evaluate(images(1000)).elbo();
  CHECK(elbo <= -std::log(2.0) + 0.02);  // ln p(x) of two equally likely images
  CHECK(elbo >= -std::log(2.0) - 1.0);   // a normal prior cannot be cut in two for free
}

TEST_CASE(
    "Every objective trains, and with labels as a condition nothing is left to learn about two images") {
  const auto x = images(64);
  for (const Objective objective :
       {Objective{Bound::elbo, 0.5}, Objective{Bound::iwae}, Objective{Bound::elbo, 1, 0.1}}) {
    Run run;
    Trainer trainer(run.vae, x, run.optimizer, {.batch = 16, .objective = objective, .samples = 3});
    const double before = trainer.evaluate(x).elbo();
    for (int epoch = 0; epoch < 30; ++epoch) trainer.run_epoch(no_report);
    CHECK(trainer.evaluate(x).elbo() > before + 4);
  }
  Rng rng{1};
  Vae<float> conditional({.data = 16, .hidden = {8}, .latent = 2, .condition = 2}, rng);
  Optimizer<float> optimizer(parameters<float>(conditional), Adam{}, 1e-2);
  Trainer trainer(conditional, x, optimizer, {.batch = 16, .classes = 2});
  for (int epoch = 0; epoch < 500; ++epoch) trainer.run_epoch(no_report);
  CHECK(trainer.evaluate(x).elbo() > -0.2);  // ln p(x | c) = 0
}

TEST_CASE("A run follows from its seed, whether or not it is evaluated in between") {
  const auto x = images(40);
  Run first, second, other;
  Trainer a(first.vae, x, first.optimizer, {.batch = 16, .seed = 3});
  Trainer b(second.vae, x, second.optimizer, {.batch = 16, .seed = 3});
  Trainer c(other.vae, x, other.optimizer, {.batch = 16, .seed = 4});
  for (int epoch = 0; epoch < 3; ++epoch) {
    const auto ma = a.run_epoch(no_report), mb = b.run_epoch(no_report), mc = c.run_epoch(no_report);
    CHECK(ma.elbo() == mb.elbo());
    CHECK(ma.elbo() != mc.elbo());
    CHECK(b.evaluate(x).elbo() == b.evaluate(x).elbo());
  }
  CHECK((first.vae.encoder.mean.weight.value == second.vae.encoder.mean.weight.value));
}

TEST_CASE("Warm-up, schedule and steps are those of the epoch") {
  Run run;
  run.optimizer.learning_rate = 0.1;
  const auto x = images(40);
  Trainer trainer(
      run.vae, x, run.optimizer,
      {.batch = 16, .objective = {.beta = 2}, .warmup_epochs = 4, .schedule = StepSchedule{2, 0.5}});
  CHECK(trainer.steps_per_epoch() == 2);
  std::vector<double> betas, rates;
  std::size_t steps = 0;
  for (int epoch = 0; epoch < 6; ++epoch) {
    betas.push_back(trainer.beta());
    rates.push_back(trainer.learning_rate());
    trainer.run_epoch([&](std::size_t, const Metrics&) { ++steps; });
    CHECK(run.optimizer.learning_rate == rates.back());
  }
  CHECK(betas == std::vector<double>{0.5, 1, 1.5, 2, 2, 2});
  CHECK(rates == std::vector<double>{0.1, 0.1, 0.05, 0.05, 0.025, 0.025});
  CHECK(steps == 12);
}

TEST_CASE("Every option reaches the training") {
  const auto x = images(40);
  const auto trained = [&](const TrainingOptions& options) {
    Run run;
    Trainer trainer(run.vae, x, run.optimizer, options);
    trainer.run_epoch(no_report);
    return run.vae.encoder.mean.weight.value;
  };
  const auto plain = trained({.batch = 16});
  CHECK((trained({.batch = 16}) == plain));
  CHECK((trained({.batch = 16, .objective = {.beta = 2}, .warmup_epochs = 4}) ==
         trained({.batch = 16, .objective = {.beta = 0.5}})));
  CHECK((trained({.batch = 16, .objective = {.beta = 0.5}}) != plain));
  CHECK((trained({.batch = 16, .objective = {.free_bits = 100}}) != plain));
  CHECK((trained({.batch = 16, .samples = 3}) != plain));
  CHECK((trained({.batch = 16, .objective = {.bound = Bound::iwae}, .samples = 3}) !=
         trained({.batch = 16, .samples = 3})));
  CHECK((trained({.batch = 16, .clip_norm = 1e-6}) != plain));
  CHECK((trained({.batch = 16, .clip_norm = 1e6}) == plain));
}

TEST_CASE("Evaluation within an epoch changes nothing, and sees the same binarised images each time") {
  auto x = images(40), test = images(7);
  test.images.fill(100);  // grey
  Run first, second;
  Trainer a(first.vae, x, first.optimizer, {.batch = 16}), b(second.vae, x, second.optimizer, {.batch = 16});
  a.run_epoch(no_report);
  b.run_epoch([&](std::size_t, const Metrics&) { b.evaluate(test); });
  CHECK((first.vae.encoder.mean.weight.value == second.vae.encoder.mean.weight.value));

  // A decoder that reads no z and finds x = 1 certain counts the zeros.
  Run counting;
  counting.optimizer.learning_rate = 1e-30;
  counting.vae.decoder.output.weight.value.fill(0);
  counting.vae.decoder.output.bias.value.fill(20);
  Trainer trainer(counting.vae, x, counting.optimizer, {.batch = 16});
  const double zeros = trainer.evaluate(test).reconstruction;
  trainer.run_epoch(no_report);
  CHECK(trainer.evaluate(test).reconstruction == Approx(zeros).epsilon(1e-6));
}

TEST_CASE("More test images than are evaluated together give their mean") {
  Run run;
  const auto x = images(40), many = images(1500);
  run.vae.encoder.scale.weight.value.fill(0);
  run.vae.encoder.scale.bias.value.fill(-60);  // no noise
  Trainer trainer(run.vae, x, run.optimizer, {.batch = 16});
  CHECK(trainer.evaluate(many).elbo() == Approx(trainer.evaluate(images(2)).elbo()).epsilon(1e-5));
}

TEST_CASE("Images without pixels or labels are refused") {
  Run run;
  ImageSet x = images(40);
  Trainer trainer(run.vae, x, run.optimizer, {.batch = 16});
  ImageSet unlabelled = images(3);
  unlabelled.labels = Tensor<std::uint8_t>(Shape{2}, std::uint8_t{0});
  CHECK_THROWS_WITH(
      trainer.evaluate(unlabelled),
      "[evaluate] needs images (N, height, width) and labels (N): the images are (3, 4, 4), the "
      "labels (2)");
  CHECK_THROWS(trainer.evaluate(images(0)));
}

TEST_CASE("Impossible batches and diverging runs are refused with a reason") {
  Run run;
  const auto x = images(40);
  CHECK_THROWS_WITH(Trainer(run.vae, x, run.optimizer, {.batch = 41}),
                    "[Trainer] the batch is 41; there are 40 images");
  CHECK_THROWS_WITH(Trainer(run.vae, x, run.optimizer, {.batch = 0}),
                    "[Trainer] the batch is 0; there are 40 images");
  Trainer trainer(run.vae, x, run.optimizer, {.batch = 16});
  run.vae.encoder.mean.bias.value(0) = std::nanf("");
  CHECK_THROWS_WITH(trainer.run_epoch(no_report),
                    Catch::Matchers::Contains("the ELBO is no longer finite in epoch 1, step 1"));
}
