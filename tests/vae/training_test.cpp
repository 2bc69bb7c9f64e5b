#include "strata/vae/training.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "strata/autograd/reduce.hpp"
#include "strata/vae/models/vae.hpp"

using namespace strata;

namespace {

// Images of two kinds, each with its own half lit.
Dataset images(std::size_t count) {
  Tensor<std::uint8_t> bytes(Shape{count, 4, 4}, std::uint8_t{0}), labels(Shape{count}, std::uint8_t{0});
  for (std::size_t i = 0; i < count; ++i) {
    xt::view(bytes, i, xt::range(i % 2 * 2, i % 2 * 2 + 2), xt::all()) = std::uint8_t{255};
    labels(i) = static_cast<std::uint8_t>(i % 2);
  }
  return {bytes, labels, 2};
}

// w ← w − η sign g
struct SignDescent {
  static constexpr std::size_t states = 0;
  template <class T> auto update(T eta, std::uint64_t) const {
    return [=]<class V>(V& w, V g) { w -= select(g > V(T(0)), V(eta), V(-eta)); };
  }
};

// An objective that wants nothing of the KL.
struct Reconstruction {};
template <class T> Var<T> objective(Reconstruction, const Pass<T>& pass) { return mean(pass.log_likelihood); }

struct Run {
  Rng rng{1};
  Vae<float> vae{{.data = 16, .hidden = {8}, .latent = {2}}, rng};
  Optimizer<float> optimizer{parameters(vae), Adam{}, 1e-2};

  ObjectiveStep<Vae<float>> step(const Objective& objective = Elbo{}, const ObjectiveOptions& options = {}) {
    return {vae, optimizer, objective, options};
  }
  NormalHead<float>& encoder() { return std::get<NormalHead<float>>(vae.q[0]); }
  const Tensor<float>& weight() { return encoder().mean.weight.value(); }
};

}  // namespace

TEST_CASE("Training comes near the entropy of a data set of two images") {
  Run run;
  const auto x = images(64);
  auto step = run.step(Elbo{}, {.schedule = CosineSchedule{300}});
  Trainer trainer(step, x, {.batch = 16});
  for (int epoch = 0; epoch < 300; ++epoch) trainer.run_epoch();
  const double elbo = trainer.evaluate(run.vae, images(1000)).elbo();
  CHECK(elbo <= -std::log(2.0) + 0.02);  // ln p(x) of two equally likely images
  CHECK(elbo >= -std::log(2.0) - 1.0);   // a normal prior cannot be cut in two for free
}

TEST_CASE(
    "Every objective trains, and with labels as a condition nothing is left to learn about two images") {
  const auto x = images(64);
  for (const Objective objective : {Objective(Elbo{0.5}), Objective(Iwae{}), Objective(Elbo{1, 0.1})}) {
    Run run;
    auto step = run.step(objective, {.samples = 3});
    Trainer trainer(step, x, {.batch = 16});
    const double before = trainer.evaluate(run.vae, x).elbo();
    for (int epoch = 0; epoch < 30; ++epoch) trainer.run_epoch();
    CHECK(trainer.evaluate(run.vae, x).elbo() > before + 4);
  }
  Rng rng{1};
  Vae<float> conditional({.data = 16, .hidden = {8}, .latent = {2}, .condition = 2}, rng);
  Optimizer<float> optimizer(parameters(conditional), Adam{}, 1e-2);
  ObjectiveStep step(conditional, optimizer, Elbo{});
  Trainer trainer(step, x, {.batch = 16});
  for (int epoch = 0; epoch < 500; ++epoch) trainer.run_epoch();
  CHECK(trainer.evaluate(conditional, x).elbo() > -0.2);  // ln p(x | c) = 0
}

TEST_CASE("An objective, a rule, a schedule and a step of one's own train") {
  const auto x = images(64);
  Run run;
  Optimizer<float> optimizer(parameters(run.vae), SignDescent{}, 1e-2);
  ObjectiveStep step(run.vae, optimizer, Reconstruction{}, {.schedule = [](std::size_t epoch) {
                       return 1.0 / (1.0 + static_cast<double>(epoch));
                     }});
  CHECK(step.learning_rate(3) == Approx(2.5e-3));
  Trainer trainer(step, x, {.batch = 16});
  const double first = trainer.run_epoch().reconstruction;
  for (int epoch = 0; epoch < 20; ++epoch) trainer.run_epoch();
  CHECK(trainer.run_epoch().reconstruction > first + 1);

  std::vector<std::size_t> epochs;
  auto counting = [&](const Given<float>& given, const StepContext& at) {
    epochs.push_back(at.epoch);
    return Metrics{static_cast<double>(given.x.shape()[0]), {}};
  };
  Trainer counter(counting, x, {.batch = 32});
  CHECK(counter.run_epoch().reconstruction == 32);
  counter.run_epoch();
  CHECK(epochs == std::vector<std::size_t>{0, 0, 1, 1});
}

TEST_CASE("A run follows from its seed, whether or not it is evaluated in between") {
  const auto x = images(40);
  Run first, second, other;
  auto a_step = first.step(), b_step = second.step(), c_step = other.step();
  Trainer a(a_step, x, {.batch = 16, .seed = 3}), b(b_step, x, {.batch = 16, .seed = 3}),
      c(c_step, x, {.batch = 16, .seed = 4});
  for (int epoch = 0; epoch < 3; ++epoch) {
    const auto ma = a.run_epoch(), mb = b.run_epoch(), mc = c.run_epoch();
    CHECK(ma.elbo() == mb.elbo());
    CHECK(ma.elbo() != mc.elbo());
    CHECK(b.evaluate(second.vae, x).elbo() == b.evaluate(second.vae, x).elbo());
  }
  CHECK((first.weight() == second.weight()));
}

TEST_CASE("Warm-up, schedule and steps are those of the epoch") {
  Run run;
  run.optimizer.learning_rate = 0.1;
  const auto x = images(40);
  auto step = run.step(Elbo{2}, {.warmup_epochs = 4, .schedule = StepSchedule{2, 0.5}});
  Trainer trainer(step, x, {.batch = 16});
  CHECK(trainer.steps_per_epoch() == 2);
  std::vector<double> warmups, rates;
  std::size_t steps = 0;
  for (int epoch = 0; epoch < 6; ++epoch) {
    warmups.push_back(step.warmup(trainer.epochs()));
    rates.push_back(step.learning_rate(trainer.epochs()));
    trainer.run_epoch([&](std::size_t, const Metrics&) { ++steps; });
    CHECK(run.optimizer.learning_rate == rates.back());
  }
  CHECK(warmups == std::vector<double>{0.25, 0.5, 0.75, 1, 1, 1});
  CHECK(rates == std::vector<double>{0.1, 0.1, 0.05, 0.05, 0.025, 0.025});
  CHECK(steps == 12);
}

TEST_CASE("Every option reaches the training") {
  const auto x = images(40);
  const auto trained = [&](const Objective& objective, const ObjectiveOptions& options = {}) {
    Run run;
    auto step = run.step(objective, options);
    Trainer trainer(step, x, {.batch = 16});
    trainer.run_epoch();
    return run.weight();
  };
  const auto plain = trained(Elbo{});
  CHECK((trained(Elbo{}) == plain));
  CHECK((trained(Elbo{2}, {.warmup_epochs = 4}) == trained(Elbo{0.5})));
  CHECK((trained(Iwae{2}, {.warmup_epochs = 4}) == trained(Iwae{0.5})));
  CHECK((trained(Elbo{0.5}) != plain));
  CHECK((trained(Elbo{1, 100}) != plain));
  CHECK((trained(Elbo{}, {.samples = 3}) != plain));
  CHECK((trained(Iwae{}, {.samples = 3}) != trained(Elbo{}, {.samples = 3})));
  CHECK((trained(Elbo{}, {.clip_norm = 1e-6}) != plain));
  CHECK((trained(Elbo{}, {.clip_norm = 1e6}) == plain));
}

TEST_CASE("Evaluation within an epoch changes nothing, and sees the same binarised images each time") {
  auto x = images(40), test = images(7);
  std::get<0>(test.examples).fill(100);  // grey
  Run first, second;
  auto a_step = first.step(), b_step = second.step();
  Trainer a(a_step, x, {.batch = 16}), b(b_step, x, {.batch = 16});
  a.run_epoch();
  b.run_epoch([&](std::size_t, const Metrics&) { b.evaluate(second.vae, test); });
  CHECK((first.weight() == second.weight()));

  // A decoder that reads no z and finds x = 1 certain counts the zeros.
  Run counting;
  counting.optimizer.learning_rate = 1e-30;
  auto& output = std::get<BernoulliHead<float>>(counting.vae.decoder).output;
  output.weight.write().fill(0);
  output.bias.write().fill(20);
  auto step = counting.step();
  Trainer trainer(step, x, {.batch = 16});
  const double zeros = trainer.evaluate(counting.vae, test).reconstruction;
  trainer.run_epoch();
  CHECK(trainer.evaluate(counting.vae, test).reconstruction == Approx(zeros).epsilon(1e-6));
}

TEST_CASE("More test images than are evaluated together give their mean") {
  Run run;
  run.encoder().scale.weight.write().fill(0);
  run.encoder().scale.bias.write().fill(-60);  // no noise
  const auto elbo = [&](std::size_t count) {
    return evaluate(run.vae, images(count), Binarize::dynamic, 0, Rng{}).elbo();
  };
  CHECK(elbo(1500) == Approx(elbo(2)).epsilon(1e-5));
}

TEST_CASE("Examples without values, and labels that do not fit, are refused; labels are not needed") {
  Run run;
  Dataset unlabelled = images(40), wrong = images(3);
  unlabelled.labels.reset();
  auto step = run.step();
  Trainer trainer(step, unlabelled, {.batch = 16});
  trainer.run_epoch();
  wrong.labels = Tensor<std::uint8_t>(Shape{2}, std::uint8_t{0});
  CHECK_THROWS_WITH(trainer.evaluate(run.vae, wrong),
                    "[evaluate] the examples are (3, 4, 4), their labels (2)");
  CHECK_THROWS_WITH(trainer.evaluate(run.vae, images(0)),
                    "[evaluate] needs examples (N, ...) of at least one value; they are (0, 4, 4)");
}

TEST_CASE("Impossible batches and diverging runs are refused with a reason") {
  Run run;
  const auto x = images(40);
  auto step = run.step();
  CHECK_THROWS_WITH(Trainer(step, x, {.batch = 41}), "[Trainer] the batch is 41; there are 40 examples");
  CHECK_THROWS_WITH(Trainer(step, x, {.batch = 0}), "[Trainer] the batch is 0; there are 40 examples");
  Trainer trainer(step, x, {.batch = 16});
  run.encoder().mean.bias.write()(0) = std::nanf("");
  CHECK_THROWS_WITH(trainer.run_epoch(),
                    Catch::Matchers::Contains("numbers are not finite in epoch 1, step 1"));
}
