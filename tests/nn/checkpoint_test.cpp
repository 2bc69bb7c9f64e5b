#include "strata/nn/checkpoint.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <memory>

#include "strata/autograd/reduce.hpp"
#include "strata/nn/mlp.hpp"
#include "strata/nn/optimizer.hpp"
#include "strata/tests/temporary_folder.hpp"

using namespace strata;
using Catch::Matchers::Contains;

namespace {

// Everything that can be a leaf.
struct State {
  Parameter<float> weight{Tensor<float>{1, 2}};
  Tensor<double> moment = {{0.1, 0.2, 0.3}};
  std::size_t count = 0;
  int offset = 0;
  double rate = 0;
  std::vector<std::size_t> order;
  xt::svector<double, 4> means;
  std::string text;
  std::optional<Rng> rng;

  static void fields(auto& self, auto&& visit) {
    visit("weight", self.weight);
    visit("moment", self.moment);
    visit("count", self.count);
    visit("offset", self.offset);
    visit("rate", self.rate);
    visit("order", self.order);
    visit("means", self.means);
    visit("text", self.text);
    visit("rng", self.rng);
  }
};

struct Twins {
  Parameter<float> a{Tensor<float>{1}}, b{Tensor<float>{2}};
  static void fields(auto& self, auto&& visit) {
    visit("same", self.a);
    visit("same", self.b);
  }
};

}  // namespace

TEST_CASE("Numbers, lists and tensors come back from a file as they were, and only parameters are trained") {
  const TemporaryFolder folder;
  State saved, restored;
  saved.weight.write() = {-3, 4};
  saved.moment = {{1.0 / 3, -0.0, 1e-310}};
  saved.count = (std::size_t{1} << 63) + 1;
  saved.offset = -7;
  saved.rate = 1.0 / 3;
  saved.order = {2, 0, 1};
  saved.means = {0.1, 0.2};
  saved.text = "a\xff\n";
  saved.rng = Rng{1, (std::uint64_t{1} << 53) + 1, 3};
  restored.rng = Rng{};
  restored.order = {9, 9, 9, 9};
  store(saved, folder / "state");
  restore(restored, folder / "state");
  CHECK((restored.weight.value() == saved.weight.value()));
  CHECK((restored.moment == saved.moment));
  CHECK(std::signbit(restored.moment(0, 1)));
  CHECK(restored.count == saved.count);
  CHECK(restored.offset == -7);
  CHECK(restored.rate == saved.rate);
  CHECK(restored.order == saved.order);
  CHECK((restored.means == saved.means));
  CHECK(restored.text == saved.text);
  CHECK(restored.rng == saved.rng);
  CHECK(parameter_count(saved) == 2);
  CHECK(parameters<float>(saved).size() == 1);
}

TEST_CASE("A state that does not fit is refused by its name, and nothing is changed") {
  State state;
  Safetensors file;
  store(state, file);
  const auto refused = [&](const std::string& path, const auto& tensor, const char* why) {
    Safetensors other = file;
    other.set("weight", Tensor<float>{5, 6});
    other.set(path, tensor);
    CHECK_THROWS_WITH(restore(state, other), Contains("'" + path + "'") || Contains("\"" + path + "\""));
    CHECK_THROWS_WITH(restore(state, other), Contains(why));
    CHECK(state.weight.value()(0) == 1);
  };
  refused("count", Tensor<std::uint64_t>{1, 2}, "(2) in the file, () in the model");
  refused("count", Tensor<double>(Shape{}, 1.0), "dtype F64; only U64");
  refused("order", Tensor<std::uint64_t>{{1, 2}}, "(1, 2) in the file");
  refused("moment", Tensor<double>{1, 2, 3}, "(3) in the file, (1, 3) in the model");
  refused("else", Tensor<double>{1}, "none of the model's");
  CHECK_THROWS_WITH(store(Twins{}, file),
                    "[store] two fields are called 'same'; give the modules that hold "
                    "them names of their own");
}

TEST_CASE("An optimizer goes on from a file as if it had not stopped") {
  const auto trained = [](std::size_t stop, const Rule& rule) {
    Rng rng{1};
    auto mlp = std::make_unique<Mlp<float>>(3, std::vector<std::size_t>{4}, MlpOptions{}, rng);
    auto optimizer = std::make_unique<Optimizer<float>>(parameters(*mlp), rule, 1e-2);
    Tape<float> tape;
    for (std::size_t step = 0; step < 6; ++step) {
      if (step == stop) {
        Safetensors weights, state;
        store(*mlp, weights);
        store(*optimizer, state);
        auto other = std::make_unique<Mlp<float>>(3, std::vector<std::size_t>{4}, MlpOptions{}, rng);
        optimizer = std::make_unique<Optimizer<float>>(parameters(*other), rule, 1.0);
        mlp = std::move(other);
        restore(*mlp, weights);
        restore(*optimizer, state);
        CHECK(optimizer->steps() == stop);
      }
      optimizer->learning_rate *= 0.9;
      tape.reset();
      tape.backward(sum((*mlp)(tape.constant(Tensor<float>{{0.1f, -0.2f, static_cast<float>(step)}}))));
      optimizer->step();
    }
    return mlp->layers[0].linear.weight.value();
  };
  for (const Rule& rule : {Rule(Adam{}), Rule(AdamW{}), Rule(Momentum{}), Rule(Sgd{})})
    CHECK((trained(3, rule) == trained(100, rule)));
}
