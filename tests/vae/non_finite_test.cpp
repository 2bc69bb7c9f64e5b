#include "strata/vae/non_finite.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>

#include "strata/autograd/operations.hpp"
#include "strata/vae/estimation.hpp"
#include "strata/vae/models/vae.hpp"
#include "strata/vae/training.hpp"

using namespace strata;
using Catch::Matchers::Contains;

namespace {

const float not_a_number = std::nanf("");

// A model of two layers that hands on its reconstruction, from some call on, through f.
struct Planted {
  Vae<float> vae;
  std::function<Var<float>(Var<float>)> f = {};
  std::size_t from_call = 0;
  mutable std::size_t calls = 0;

  explicit Planted(Rng& rng)
      : vae({.data = 16,
             .hidden = {8},
             .latent = {4, 2},
             .upper_hidden = {6},
             .networks = {.batch_norm = true}},
            rng) {}

  Pass<float> pass(const Given<float>& given, const Noise<float>& noise, Context context = {}) const {
    auto pass = vae.pass(given, noise, context);
    if (f && calls++ >= from_call) pass.log_likelihood = f(pass.log_likelihood);
    return pass;
  }

  static void fields(auto& self, auto&& visit) { visit("vae", self.vae); }
};

struct Setting {
  Dataset data;
  Rng rng{1};
  Planted model{rng};
  Optimizer<float> adam{parameters<float>(model), Adam{}, 1e-3};

  Setting() {
    Tensor<float> grey(Shape{32, 16});
    fill_uniform(rng, grey);
    data = {grey};
  }
  NormalHead<float>& q(std::size_t t) { return std::get<NormalHead<float>>(model.vae.q[t]); }
};

// All tensors' bytes, gradients passed over.
std::string bytes_of(const Planted& model) {
  std::string bytes;
  for_each_tensor(model, [&](const std::string&, const auto& leaf) {
    bytes.append(reinterpret_cast<const char*>(leaf.value().data()), leaf.value().size() * sizeof(float));
  });
  return bytes;
}

// What the trainer says, after whole steps, of the first that fails; the model is then as it was before it.
template <class Step> std::string failure(Setting& s, Step& step) {
  Trainer trainer(step, s.data, {.batch = 8, .binarize = Binarize::none});
  std::string before = bytes_of(s.model), message;
  try {
    for (int epoch = 0; epoch < 3; ++epoch)
      trainer.run_epoch([&](std::size_t, const Metrics&) { before = bytes_of(s.model); });
  } catch (const NonFinite& error) {
    message = error.what();
  }
  INFO(message);
  CHECK(bytes_of(s.model) == before);
  for (const auto& [name, parameter] : parameters<float>(s.model)) CHECK_FALSE(parameter->gradient.received);
  return message;
}

std::string failure(Setting& s, const ObjectiveOptions& options = {}) {
  ObjectiveStep step(s.model, s.adam, Elbo{}, options);
  return failure(s, step);
}

// x, with a wrong derivative
Var<float> wrong(Var<float> x) {
  return record("wrong", {x}, 1.0f * x.value(), [x](Var<float> y) { x.accumulate(y.grad() / 0.0f); });
}

struct Penalised {
  Planted& inner;
  Pass<float> pass(const Given<float>& given, const Noise<float>& noise, Context context) const {
    auto pass = inner.pass(given, noise, context);
    pass.penalty = stop_gradient(log(pass.log_likelihood));
    return pass;
  }
  static void fields(auto& self, auto&& visit) { visit("", self.inner); }
};

// A step that learns nothing ...
struct Own {
  Planted& model;
  Metrics operator()(const Given<float>& given, const StepContext& context) {
    const auto metrics = mean_metrics(model.pass(given, context.rng, training(context.rng)));
    require_finite(metrics, context);
    return metrics;
  }
};

// ... and the same with its model listed.
struct Listed : Own {
  static void fields(auto& self, auto&& visit) { visit("mine", self.model); }
};

// Updates the model, then fails to update another.
struct Two {
  Setting& s;
  Linear<float> head{16, 1, Init::he, s.rng};
  Optimizer<float> second{parameters<float>(head), Sgd{}, 1e-3};
  Tape<float> tape{};
  Metrics operator()(const Given<float>& given, const StepContext& context) {
    const auto pass = s.model.pass(given, context.rng, training(context.rng));
    given.x.tape().backward(-objective(Elbo{}, pass));
    s.adam.step();
    tape.reset();
    tape.backward(sum(wrong(head(tape.constant(given.x.value())))));
    second.step();
    return mean_metrics(pass);
  }
  static void fields(auto& self, auto&& visit) {
    visit("model", self.s.model);
    visit("head", self.head);
  }
};

}  // namespace

TEST_CASE("A weight that is NaN is named, before the first update") {
  Setting s;
  s.q(1).mean.bias.write()(1) = not_a_number;
  CHECK(failure(s) ==
        "[Trainer] numbers are not finite in epoch 1, step 1: `model.vae.q.1.mean.bias` is NaN in 1 of 2 "
        "values; it goes into log_p of layer 1, the KL of layer 2 and log_p of layer 2. The step was undone; "
        "no update had been made, so that the data, the initial weights or the model are the cause");
}

TEST_CASE("Data that are NaN are named") {
  Setting s;
  std::get<Tensor<float>>(s.data.examples)(17, 3) = not_a_number;
  CHECK_THROWS_WITH(failure(s), "[bernoulli_log_density] x is nan at (2, 3); it must lie in [0, 1]");
}

TEST_CASE("The logarithm of a negative number is named, in the epoch and step where it is taken") {
  for (const bool hidden : {false, true}) {
    Setting s;
    s.model.from_call = 6;
    s.model.f = [=](Var<float> y) { return hidden ? relu(log(y)) : log(y); };
    CHECK_THAT(failure(s),
               Contains("in epoch 2, step 3: `log` is NaN in 8 of 8 values, though all that it reads is "
                        "finite: `bernoulli_log_density` after `model.vae.decoder.output` (8) from -") &&
                   Contains("; it goes into the reconstruction. The step was undone; a lower learning rate"));
  }
}

TEST_CASE("Overflow of a log variance of layer 2 is named with its term") {
  Setting s;
  s.q(1).scale.bias.write()(0) = 200;
  CHECK_THAT(failure(s), Contains("`reparameterize` is ∞ in 5 and −∞ in 3 of 16 values") &&
                             Contains("`affine` of `model.vae.q.1.scale` (8, 2) from -") &&
                             Contains(" to 200") &&
                             Contains("it goes into log_p of layer 1 and log_p of layer 2."));
}

TEST_CASE("A derivative that is not finite is named, with and without clipping") {
  for (const double clip : {0.0, 1.0}) {
    Setting s;
    s.model.from_call = 2;
    s.model.f = wrong;
    CHECK_THAT(failure(s, {.clip_norm = clip}),
               Contains("in epoch 1, step 3: the derivative of `wrong` makes of a gradient (8) from -0.125 "
                        "to -0.125 one that is −∞ in 8 of 8 values; it reads `bernoulli_log_density` after "
                        "`model.vae.decoder.output`") &&
                   Contains("it goes into the reconstruction."));
  }
}

TEST_CASE("A penalty that is NaN and has no derivative is noticed") {
  Setting s;
  Penalised penalised{s.model};
  ObjectiveStep step(penalised, s.adam, Elbo{});
  CHECK_THAT(failure(s, step),
             Contains("`log` is NaN in 8 of 8 values") && Contains("it goes into the penalty."));
}

TEST_CASE("A gradient too large to square is told as that, with its term") {
  Setting s;
  s.model.f = [](Var<float> y) { return 1e30f * y; };
  CHECK_THAT(
      failure(s),
      Contains("the step fails in epoch 1, step 1: [Optimizer] the gradient of 'vae.") &&
          Contains(" too large to square; nothing was changed: the derivative of `multiply_scalar` makes "
                   "of a gradient (8) from -0.125 to -0.125 one (8) from -1.25e+29 to -1.25e+29; "
                   "it reads `bernoulli_log_density` after `model.vae.decoder.output`") &&
          Contains("; it goes into the reconstruction. The step was undone"));
}

TEST_CASE("After a step that was undone the training goes on") {
  Setting s;
  s.model.f = wrong;
  ObjectiveStep step(s.model, s.adam, Elbo{});
  Trainer trainer(step, s.data, {.batch = 8, .binarize = Binarize::none});
  CHECK_THROWS_AS(trainer.run_epoch(), NonFinite);
  s.model.f = {};
  CHECK(std::isfinite(trainer.run_epoch().elbo()));
  CHECK(trainer.epochs() == 1);

  // as one whose step never failed, but for the epoch's order
  Setting other;
  ObjectiveStep other_step(other.model, other.adam, Elbo{});
  Trainer fresh(other_step, other.data, {.batch = 8, .binarize = Binarize::none});
  CHECK(std::isfinite(fresh.run_epoch().elbo()));
  CHECK(other.adam.steps() == s.adam.steps());
}

TEST_CASE("A step of one's own is told of, and its fields are what is undone") {
  Setting s;
  s.model.from_call = 5;
  s.model.f = [](Var<float> y) { return log(y); };
  Own plain{s.model};
  Trainer trainer(plain, s.data, {.batch = 8, .binarize = Binarize::none});
  trainer.run_epoch();
  CHECK_THROWS_WITH(trainer.run_epoch(), Contains("in epoch 2, step 2: `log` is NaN in 8 of 8 values") &&
                                             Contains("lists no fields"));
  s.model.calls = 0;
  Listed listed{plain};
  CHECK_THAT(failure(s, listed),
             Contains("`bernoulli_log_density` after `mine.vae.decoder.output`") && Contains("was undone"));
}

TEST_CASE("The random state becomes what it was before the step") {
  Setting s;
  std::vector<std::uint64_t> counters;
  auto drawing = [&](const Given<float>&, const StepContext& context) -> Metrics {
    counters.push_back(context.rng.counter);  // after the epoch's order was drawn
    Tensor<float> x(Shape{1000});
    fill_normal(context.rng, x);
    throw NonFinite("[drawing] fails");
  };
  Trainer trainer(drawing, s.data, {.batch = 8, .binarize = Binarize::none});
  for (int time = 0; time < 2; ++time) CHECK_THROWS_WITH(trainer.run_epoch(), Contains("[drawing] fails"));
  CHECK(counters[0] > 0);
  CHECK(counters[1] == counters[0]);
}

TEST_CASE("An update that this step made before it failed is not passed over in silence") {
  Setting s;
  Two step{s};
  Trainer trainer(step, s.data, {.batch = 8, .binarize = Binarize::none});
  CHECK_THROWS_WITH(
      trainer.run_epoch(),
      Contains("in epoch 1, step 1: [Optimizer] the gradient of 'weight' is ") &&
          Contains("`model.vae.q.0.body.0.weight` was updated in this step before, and stays so"));
  CHECK_THAT(explain_non_finite(step.tape, Names<float>{paths(step)}),
             Contains("it reads `affine` of `head`"));
}

TEST_CASE("Evaluation names what is not finite, as likelihood estimation does") {
  Setting s;
  s.q(0).scale.bias.write()(2) = not_a_number;
  CHECK_THROWS_WITH(evaluate(s.model, s.data, Binarize::none, 0, Rng{}),
                    "[evaluate] the ELBO is not finite: `vae.q.0.scale.bias` is NaN in 1 of 4 values; it "
                    "goes into every term");
  Rng rng;
  const auto images = first_examples<float>(s.data, 2, Binarize::dynamic, rng);
  CHECK_THROWS_WITH(
      estimate_likelihood(s.model, images, {.samples = 10}),
      Contains("[estimate_likelihood] a weight of image 0 is not finite: `vae.q.0.scale.bias` is NaN"));
  s.q(0).scale.bias.write()(2) = 0;
  CHECK(std::isfinite(evaluate(s.model, s.data, Binarize::none, 0, Rng{}).elbo()));
}
