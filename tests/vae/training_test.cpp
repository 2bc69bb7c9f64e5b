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

TEST_CASE("Batches hold the named examples, as they are, thresholded, or drawn") {
  const Dataset bytes{Tensor<std::uint8_t>{{0, 51, 127, 128}, {255, 204, 64, 1}}};
  Batch<double> batch;
  Rng rng{1};
  const std::vector<std::size_t> rows = {1, 0, 1};
  gather(bytes, rows, Binarize::none, rng, batch);
  CHECK(xt::allclose(batch.x.value(),
                     Tensor<double>{{1, 0.8, 64 / 255.0, 1 / 255.0},
                                    {0, 0.2, 127 / 255.0, 128 / 255.0},
                                    {1, 0.8, 64 / 255.0, 1 / 255.0}},
                     1e-14));
  CHECK(!batch.condition);
  gather(bytes, rows, Binarize::threshold, rng, batch);
  CHECK((batch.x.value() == Tensor<double>{{1, 1, 0, 0}, {0, 0, 0, 1}, {1, 1, 0, 0}}));
  Tensor<double> sum = xt::zeros<double>({3, 4});
  for (int draw = 0; draw < 4000; ++draw) {
    gather(bytes, rows, Binarize::dynamic, rng, batch);
    sum += batch.x.value() / 4000.0;
  }
  CHECK(sum(0, 0) == Approx(1));
  CHECK(sum(1, 0) == 0);
  CHECK(sum(0, 1) == Approx(0.8).margin(0.03));
  CHECK(sum(1, 2) == Approx(127 / 255.0).margin(0.03));
}

TEST_CASE("A batch that is gathered anew before backward is refused") {
  const Dataset bytes{Tensor<std::uint8_t>{{0, 51}, {255, 204}}};
  Batch<double> batch;
  Rng rng{1};
  gather(bytes, std::vector<std::size_t>{0}, Binarize::none, rng, batch);
  Tape<double> tape;
  const auto w = tape.variable({1, 1});
  const auto y = sum(w * batch.on(tape).x);
  gather(bytes, std::vector<std::size_t>{1}, Binarize::none, rng, batch);
  CHECK_THROWS_WITH(tape.backward(y),
                    Catch::Matchers::Contains("a tensor that 'multiply' reads was changed"));
}

TEST_CASE("Few labels are as many of each class, at random; the others are unknown, those known repeated") {
  Dataset data{Tensor<std::uint8_t>(Shape{60, 2}, std::uint8_t{0}), Tensor<std::uint32_t>(Shape{60}, 0u), 3};
  for (std::size_t i = 0; i < 60; ++i) {
    (*data.labels)(i) = static_cast<std::uint32_t>(i < 40 ? 0 : 1 + i % 2);
    std::get<Tensor<std::uint8_t>>(data.examples)(i, 0) = static_cast<std::uint8_t>(i);
  }
  Rng rng{4};
  const Dataset few = with_few_labels(data, 7, 3, rng);
  REQUIRE(few.size() == 60 + 2 * 7);
  std::vector<std::size_t> of_class(3), times(60);
  for (std::size_t i = 0; i < few.size(); ++i) {
    const std::uint32_t label = (*few.labels)(i);
    const std::size_t image = std::get<Tensor<std::uint8_t>>(few.examples)(i, 0);
    if (i < 60) CHECK(image == i);
    if (label == unknown_label) continue;
    CHECK(label == (*data.labels)(image));
    ++of_class[label], ++times[image];
  }
  std::sort(of_class.begin(), of_class.end());
  CHECK(of_class == std::vector<std::size_t>{6, 6, 9});
  for (const std::size_t count : times) CHECK((count == 0 || count == 3));
  CHECK((*with_few_labels(data, 7, 3, rng).labels != *few.labels));
  Batch<float> batch;
  gather(few, std::vector<std::size_t>{0, 60}, Binarize::none, rng, batch);
  CHECK(xt::sum(xt::view(batch.condition->value(), 1))() == 1);
  CHECK_THROWS_WITH(with_few_labels(data, 61, 1, rng), Catch::Matchers::Contains("1 to 60 of them"));
  CHECK_THROWS_WITH(with_few_labels(Dataset{data.examples}, 6, 1, rng),
                    Catch::Matchers::Contains("there are none"));
}

TEST_CASE("Examples may be numbers, labels become unit vectors, and some can be held out") {
  const Dataset data{Tensor<float>{{0.25f, -1}, {2, 0}, {3, 4}}, Tensor<std::uint8_t>{1, 0, 2}, 3};
  Rng rng;
  const auto batch = first_examples<float>(data, 2, Binarize::none, rng);
  CHECK((batch.x.value() == Tensor<float>{{0.25f, -1}, {2, 0}}));
  CHECK((batch.condition->value() == Tensor<float>{{0, 1, 0}, {1, 0, 0}}));
  CHECK((mean_example(data) == Tensor<float>{1.75f, 1}));
  CHECK((batch.rows(1, 2).x.value() == Tensor<float>{{2, 0}}));
  CHECK((batch.rows(1, 2).condition->value() == Tensor<float>{{1, 0, 0}}));

  const auto [training_set, validation] = split(data, 1);
  CHECK(training_set.size() == 2);
  CHECK((std::get<Tensor<float>>(validation.examples) == Tensor<float>{{3, 4}}));
  CHECK((*validation.labels == Tensor<std::uint8_t>{2}));
  CHECK_THROWS_WITH(split(data, 3), Catch::Matchers::Contains("[split] 3 of 3 examples cannot be held out"));
  CHECK_THROWS_WITH(require_examples("here", {data.examples, data.labels, 2}),
                    "[here] label 2 of example 2 is none of 2 classes");
}

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
