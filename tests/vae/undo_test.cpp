// A step that throws, whatever it throws and wherever, leaves no trace.
#include <catch2/catch.hpp>

#include "strata/autograd/arithmetic.hpp"
#include "strata/autograd/reduce.hpp"
#include "strata/nn/checkpoint.hpp"
#include "strata/vae/models/vae.hpp"
#include "strata/vae/training.hpp"

using namespace strata;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

namespace {

struct Interrupted {};

// A model that throws at one of its calls: in its pass, after batch normalisation moved its averages, or in a
// derivative, after some gradients were received.
struct Fragile {
  Vae<float> vae;
  std::size_t failing_call = 0;
  bool in_derivative = false;
  mutable std::size_t calls = 0;

  explicit Fragile(Rng& rng)
      : vae({.data = 16, .hidden = {8}, .latent = {2}, .networks = {.batch_norm = true}}, rng) {}

  Pass<float> pass(const Given<float>& given, const Noise<float>& noise, Context context = {}) const {
    const bool fails = ++calls == failing_call;
    const auto& bias = std::get<BernoulliHead<float>>(vae.decoder).output.bias;
    Var<float> first;  // of what is recorded, so that backward comes to it last
    if (fails && in_derivative)
      first = record("fragile", {bias.on(given.x.tape())}, 1.0f * bias.value(),
                     [](Var<float>) { throw Interrupted(); });
    auto pass = vae.pass(given, noise, context);
    if (fails && !in_derivative) throw Interrupted();
    if (first) pass.log_likelihood = pass.log_likelihood + sum(first);
    return pass;
  }

  static void fields(auto& self, auto&& visit) { visit("vae", self.vae); }
};

struct Setting {
  Dataset data;
  Rng rng{1};
  Fragile model{rng};
  Optimizer<float> adam{parameters<float>(model), Adam{}, 1e-3};
  ObjectiveStep<Fragile> step{model, adam, Elbo{}};

  Setting() {
    Tensor<float> grey(Shape{32, 16});
    fill_uniform(rng, grey);
    data = {grey};
  }
  Trainer<ObjectiveStep<Fragile>> trainer() { return {step, data, {.batch = 8}}; }
};

// All bytes that a checkpoint would hold.
template <class Module> std::string state(const Module& module) {
  std::string bytes;
  for_each_leaf(module, [&](const std::string&, const auto& leaf) {
    const auto tensor = detail::as_tensor(leaf);
    bytes.append(reinterpret_cast<const char*>(tensor.data()), tensor.size() * sizeof(*tensor.data()));
  });
  return bytes;
}

// Changes a weight between the forward pass and backward.
struct Hasty {
  Fragile& model;
  Metrics operator()(const Given<float>& given, const StepContext& context) {
    const auto pass = model.pass(given, context.rng, training(context.rng));
    const auto loss = -objective(Elbo{}, pass);
    parameters<float>(model).back().parameter->write() *= 2;
    given.x.tape().backward(loss);
    return mean_metrics(pass);
  }
  static void fields(auto& self, auto&& visit) { visit("model", self.model); }
};

}  // namespace

TEST_CASE("A step that throws leaves no trace, and the training goes on as one that never failed") {
  Setting undisturbed;
  auto expected = undisturbed.trainer();
  for (int epoch = 0; epoch < 2; ++epoch) expected.run_epoch();
  for (const bool in_derivative : {false, true})
    for (const std::size_t failing_call : {1, 3, 5}) {
      Setting s;
      s.model.failing_call = failing_call;
      s.model.in_derivative = in_derivative;
      auto trainer = s.trainer();
      std::string before;
      const auto run = [&] {
        while (trainer.epochs() < 2) {
          before = state(s.model);
          trainer.run_step();
        }
      };
      CHECK_THROWS_AS(run(), Interrupted);
      CHECK(s.model.calls == failing_call);
      CHECK(state(s.model) == before);
      for (const auto& [name, parameter] : parameters<float>(s.model)) CHECK(!parameter->gradient.received);
      run();
      CHECK(state(trainer) == state(expected));
    }
}

TEST_CASE("A parameter that a step changes before backward is named by its path") {
  Setting s;
  Hasty hasty{s.model};
  Trainer trainer(hasty, s.data, {.batch = 8});
  const std::string before = state(s.model.vae.q);
  CHECK_THROWS_WITH(
      trainer.run_step(),
      StartsWith("[backward] the tensor 'vae.decoder.output.bias' that 'affine' reads was changed since"));
  CHECK(state(s.model.vae.q) == before);  // with its running averages
}
