// A group's processes train, evaluate and estimate as one process does.
#include <catch2/catch.hpp>

#include "strata/autograd/operations.hpp"
#include "strata/tests/thread_group.hpp"
#include "strata/vae/annealing.hpp"
#include "strata/vae/estimation.hpp"
#include "strata/vae/models/vae.hpp"
#include "strata/vae/refinement.hpp"
#include "strata/vae/training.hpp"

using namespace strata;

namespace {

Dataset images(std::size_t count) {
  Rng rng{2};
  auto p = Tensor<float>::from_shape({count, std::size_t{30}});
  fill_uniform(rng, p);
  Tensor<std::uint32_t> labels(Shape{count});
  for (std::size_t i = 0; i < count; ++i) labels(i) = static_cast<std::uint32_t>(i % 3);
  return {Tensor<std::uint8_t>(xt::cast<std::uint8_t>(255.0f * p)), labels, 3};
}

struct Case {
  const char* name;
  VaeConfig model = {};
  Objective objective = Elbo{};
  ObjectiveOptions options = {};
};

const std::vector<Case> cases = {
    {"one layer"},
    {"batch normalisation and dropout", {.networks = {.batch_norm = true, .dropout = 0.2}}},
    {"free bits", {.latent = {8, 4}}, Elbo{1, 0.3}},
    {"capacity", {.latent = {8, 4}}, Capacity{3, 0.5}},
    {"VampPrior, whose pseudo-inputs are no rows of the batch",
     {.networks = {.batch_norm = true, .dropout = 0.2}, .prior = PriorKind::vamp, .components = 7}},
    {"conditional, several draws, clipping",
     {.latent = {8, 4}, .condition = 3},
     Iwae{},
     {.samples = 3, .clip_norm = 1}},
    {"doubly reparameterised",
     {.latent = {8, 4}, .networks = {.batch_norm = true, .dropout = 0.2}},
     Dreg{},
     {.samples = 3}},
};

VaeConfig small(VaeConfig config) {
  config.data = 30;
  config.hidden = {20, 10};
  config.upper_hidden = {10};
  return config;
}

struct Trained {
  std::vector<double> elbo;       // of every step, and at last of the data
  std::vector<float> parameters;  // and buffers
};

Trained train(const Case& c, Group* group) {
  const ThreadLimit one(1);
  const Dataset data = images(41);
  Rng rng{1};
  Vae<float> vae(small(c.model), rng);
  // Adam would make steps of rounding errors where a gradient is 0, as that of a bias before normalisation.
  Optimizer<float> descent(parameters(vae), Momentum{}, 1e-2);
  ObjectiveStep step(vae, descent, c.objective, c.options);
  Trainer trainer(step, data, {.batch = 10, .group = group});
  Trained trained;
  for (int i = 0; i < 12; ++i) {
    trainer.run_step();
    trained.elbo.push_back(step.metrics().elbo());
  }
  trained.elbo.push_back(trainer.evaluate(vae, data).elbo());
  for_each_tensor(vae, [&](const std::string&, auto& x) {
    trained.parameters.insert(trained.parameters.end(), x.value().begin(), x.value().end());
  });
  return trained;
}

// What f(Group&) returns in each of so many processes.
template <class F> auto each(std::size_t size, F f) {
  std::vector<decltype(f(static_cast<Group*>(nullptr)))> results(size);
  in_group(size, [&](Group& group) { results[group.rank()] = f(&group); });
  return results;
}

}  // namespace

TEST_CASE("The losses of a group are those of one process, and its models the same everywhere") {
  for (const Case& c : cases) {
    const Trained alone = train(c, nullptr);
    for (const std::size_t size : {1, 2, 3, 4}) {
      const auto trained = each(size, [&](Group* group) { return train(c, group); });
      INFO(c.name << ", " << size << " processes");
      for (std::size_t step = 0; step < alone.elbo.size(); ++step)
        CHECK(trained[0].elbo[step] == Approx(alone.elbo[step]).epsilon(1e-5));
      for (const Trained& other : trained) {
        CHECK(other.elbo == trained[0].elbo);
        CHECK(other.parameters == trained[0].parameters);
      }
    }
  }
}

TEST_CASE("A group takes back a step that fails on the rows of one process, and all tell the same") {
  Tensor<float> numbers = xt::zeros<float>({6, 4});
  numbers(4, 2) = 1e30f;
  const Dataset data{numbers};
  const auto told = each(3, [&](Group* group) {
    Rng rng{1};
    Vae<float> vae(
        {.data = 4, .hidden = {8}, .networks = {.batch_norm = true}, .likelihood = Likelihood::normal}, rng);
    std::get<HomoscedasticHead<float>>(vae.decoder).output.bias.write().fill(-1e30f);
    std::vector<Tensor<float>> before;
    for_each_tensor(vae, [&](const std::string&, auto& x) { before.push_back(x.value()); });
    Optimizer<float> adam(parameters(vae), Adam{}, 1e-3);
    ObjectiveStep step(vae, adam, Elbo{});
    Trainer trainer(step, data, {.batch = 6, .binarize = Binarize::none, .group = group});
    std::string message;
    try {
      trainer.run_step();
    } catch (const NonFinite& error) {
      message = error.what();
    }
    std::size_t i = 0;
    bool undone = trainer.steps() == 0;
    for_each_tensor(vae, [&](const std::string&, auto& x) { undone = undone && x.value() == before[i++]; });
    return message + (undone ? " (so it was)" : "");
  });
  CHECK_THAT(told[0], Catch::Contains("numbers are not finite in epoch 1, step 1") &&
                          Catch::Contains("The step was undone") && Catch::Contains("(so it was)"));
  CHECK(told == std::vector<std::string>(3, told[0]));
}

TEST_CASE("Where the rows of one process have no finite ELBO, all say so") {
  Tensor<float> numbers = xt::zeros<float>({6, 4});
  numbers(4, 2) = 1e30f;
  const Dataset data{numbers};
  const auto told = each(3, [&](Group* group) -> std::string {
    Rng rng{1};
    const Vae<float> vae({.data = 4, .hidden = {8}, .likelihood = Likelihood::normal}, rng);
    try {
      evaluate(vae, data, Binarize::none, 0, Rng{}, group);
    } catch (const NonFinite& error) {
      return error.what();
    }
    return "";
  });
  CHECK_THAT(told[0], Catch::Contains("[evaluate] the ELBO is not finite"));
  CHECK(told == std::vector<std::string>(3, told[0]));
}

TEST_CASE("Estimates of a group are those of one process, of every image in every process") {
  const ThreadLimit one(1);
  Rng rng{1};
  const Vae<float> vae(small({.latent = {8, 4}}), rng);
  const auto few = first_examples<float>(images(5), 5, Binarize::threshold, rng);
  const auto same = [](const auto& a, const auto& b) {
    CHECK(a.size() == b.size());
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
      std::vector<double> x, y;
      auto left = a[i], right = b[i];
      left.numbers(left, [&](double v) { x.push_back(v); });
      right.numbers(right, [&](double v) { y.push_back(v); });
      CHECK(x == y);
      CHECK(x.size() >= 2);
    }
  };
  const auto compare = [&](auto estimate) {
    const auto alone = estimate(nullptr);
    for (const std::size_t size : {2, 3, 7})
      for (const auto& estimates : each(size, [&](Group* group) {
             const ThreadLimit in_this_thread(1);
             return estimate(group);
           }))
        same(estimates, alone);
  };
  compare([&](Group* group) {
    return estimate_likelihood(vae, few, {.samples = 70, .counts = {10, 70}, .group = group});
  });
  compare([&](Group* group) {
    return estimate_refined(vae, few, {.samples = 50, .steps = 5, .counts = {50}, .group = group});
  });
  compare([&](Group* group) {
    return estimate_annealed(vae, few, {.temperatures = 5, .chains = 3, .group = group});
  });
  Rng draws{3};
  const auto means = posterior_means(vae, few, 4, draws);
  for (const std::size_t size : {2, 3, 7})
    for (const auto& shared : each(size, [&](Group* group) {
           Rng own{3};
           return posterior_means(vae, few, 4, own, group);
         })) {
      REQUIRE(shared.size() == means.size());
      for (std::size_t t = 0; t < means.size(); ++t) CHECK(xt::allclose(shared[t], means[t], 1e-5, 1e-6));
    }
}
