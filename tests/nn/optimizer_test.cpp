#include "strata/nn/optimizer.hpp"

#include <catch2/catch.hpp>

#include "strata/autograd/elementwise.hpp"
#include "strata/autograd/non_finite.hpp"
#include "strata/autograd/reduce.hpp"
#include "strata/tests/reference.hpp"

using namespace strata;

namespace {

template <class T> struct Weights {
  std::vector<Parameter<T>> weights;
  static void fields(auto& self, auto&& visit) { visit("weights", self.weights); }
};

template <class T> void give_gradient(Parameter<T>& parameter, const Tensor<T>& gradient) {
  parameter.gradient.value = gradient;
  parameter.gradient.received = true;
}

struct Remember {  // s ← s / 2
  static constexpr std::size_t states = 1;
  template <class T> auto update(T, std::uint64_t) const {
    return [](auto& w, auto g, auto& s) {
      s = T(0.5) * s + g;
      w = s;
    };
  }
};

}  // namespace

TEST_CASE("Every rule reproduces twelve reference steps, the one with a zero gradient included") {
  const tests::Reference reference("optimizers");
  for (const std::string name : {"adam", "adamw", "sgd", "momentum", "nesterov", "rmsprop", "adagrad"}) {
    Rule rule = parse<Rule>(name);
    CHECK(to_string(rule) == name);
    if (auto* adamw = std::get_if<AdamW>(&rule)) adamw->weight_decay = 0.1;
    Weights<double> model{{Parameter<double>{reference["input.initial"], {}}}};
    Optimizer<double> optimizer(parameters<double>(model), rule, 1e-2);
    auto found = Tensor<double>::from_shape({12, 7});
    for (std::size_t step = 0; step < 12; ++step) {
      give_gradient<double>(model.weights[0], xt::view(reference["input.gradients"], step, xt::all()));
      optimizer.step();
      xt::view(found, step, xt::all()) = model.weights[0].value();
    }
    reference.check(found, "output." + name);
  }
}

TEST_CASE("Parameters of any size, on any number of threads, are updated alike") {
  const std::size_t threads = thread_count();
  for (const std::size_t count : {1, 2}) {
    set_thread_count(count);
    Weights<float> model;
    for (const std::size_t size : {1, 3, 40'000, 17, 2, 30'001})
      model.weights.push_back({Tensor<float>(Shape{size}, 1.0f), {}});
    Optimizer<float> optimizer(parameters<float>(model), Sgd{}, 0.5);
    for (auto& weight : model.weights) give_gradient<float>(weight, xt::ones<float>(weight.value().shape()));
    optimizer.step();
    for (const auto& weight : model.weights) CHECK(xt::all(xt::equal(weight.value(), 0.5f)));
  }
  set_thread_count(threads);
}

TEST_CASE("A step spends the gradients, and names a parameter that received none, changing nothing") {
  Weights<double> model{{Parameter<double>{Tensor<double>{1, 2}}, Parameter<double>{Tensor<double>{3}}}};
  Optimizer<double> optimizer(parameters<double>(model), Adam{}, 0.1);
  Tape<double> tape;
  tape.backward(sum(square(model.weights[0].on(tape))));
  CHECK_THROWS_WITH(
      optimizer.step(),
      "[Optimizer] no gradient reached 'weights.1': is it used in the loss, and was backward called?");
  CHECK((model.weights[0].value() == Tensor<double>{1, 2}));
  CHECK(optimizer.steps() == 0);
  tape.backward(sum(square(model.weights[1].on(tape))));
  optimizer.step();
  CHECK(model.weights[0].value()(0) == Approx(0.9));
  CHECK_THROWS(optimizer.step());
  CHECK_THROWS_WITH(Optimizer<double>({}, Adam{}, 0.1), "[Optimizer] there are no parameters to optimize");
  CHECK_THROWS_WITH(parse<Rule>("adamm"),
                    Catch::Matchers::Contains("'adamm' is unknown; there are adam, adamw, sgd"));
}

TEST_CASE("Gradients of several backward passes add up before a step") {
  Weights<double> model{{Parameter<double>{Tensor<double>{1, 2}}}};
  Optimizer<double> optimizer(parameters<double>(model), Sgd{}, 1);
  Tape<double> tape;
  for (int pass = 0; pass < 3; ++pass) {
    tape.reset();
    tape.backward(sum(model.weights[0].on(tape) * 0.25));
  }
  optimizer.step();
  CHECK((model.weights[0].value() == Tensor<double>{0.25, 1.25}));
}

TEST_CASE("Clipping scales all gradients to a joint norm") {
  Weights<double> model{{Parameter<double>{Tensor<double>{0, 0}}, Parameter<double>{Tensor<double>{0}},
                         Parameter<double>{Tensor<double>{0}}}};
  give_gradient<double>(model.weights[0], {2, 3});
  give_gradient<double>(model.weights[1], {6});
  const auto all = parameters<double>(model);
  CHECK(clip_gradient_norm(all, 100) == 7);
  CHECK((model.weights[0].gradient.value == Tensor<double>{2, 3}));
  CHECK(clip_gradient_norm(all, 3.5) == 7);
  CHECK((model.weights[0].gradient.value == Tensor<double>{1, 1.5}));
  CHECK((model.weights[1].gradient.value == Tensor<double>{3}));
  CHECK_THROWS_WITH(clip_gradient_norm(all, 0), Catch::Matchers::Contains("it must be above 0"));
}

TEST_CASE("A gradient that is not finite, or too large to square, is refused before anything changes") {
  for (const float wrong : {std::nanf(""), std::numeric_limits<float>::infinity(), -1e20f}) {
    Weights<float> model{{{Tensor<float>(Shape{40'000}, 1.0f)}, {Tensor<float>(Shape{3, 5}, 2.0f)}}};
    Optimizer<float> adam(parameters(model), Adam{}, 0.1);
    for (auto& weight : model.weights) give_gradient<float>(weight, xt::ones<float>(weight.value().shape()));
    model.weights[1].gradient.value(2, 1) = wrong;
    CHECK_THROWS_WITH(adam.step(), Catch::Matchers::Contains("[Optimizer] the gradient of 'weights.1' is ") &&
                                       Catch::Matchers::Contains("at element 11 of (3, 5)"));
    CHECK_THROWS_AS(adam.step(), NonFinite);
    CHECK_THROWS_WITH(clip_gradient_norm(adam.parameters(), 1.0),
                      Catch::Matchers::Contains("[clip_gradient_norm] the gradient of 'weights.1'"));
    CHECK(adam.steps() == 0);
    for (const auto& weight : model.weights) CHECK(xt::all(xt::equal(weight.value(), weight.value()(0, 0))));
    model.weights[1].gradient.value(2, 1) = 1e18f;  // whose square is finite
    adam.step();
    CHECK(std::isfinite(model.weights[1].value()(2, 1)));
  }
}

TEST_CASE("A learning rate outside its domain is refused before anything changes") {
  Weights<double> model{{Parameter<double>{Tensor<double>{1, 2}}}};
  Optimizer<double> optimizer(parameters<double>(model), Sgd{}, 0.1);
  give_gradient<double>(model.weights[0], {1, 1});
  for (const double wrong : {-0.1, std::nan(""), double{INFINITY}}) {
    optimizer.learning_rate = wrong;
    CHECK_THROWS_WITH(optimizer.step(), Catch::Matchers::Contains("[Optimizer] the learning rate is "));
  }
  CHECK((model.weights[0].value() == Tensor<double>{1, 2}));
  CHECK(optimizer.steps() == 0);
}

TEST_CASE("One parameter under two names is refused") {
  Weights<double> model{{Parameter<double>{Tensor<double>{1, 2}}}};
  CHECK_THROWS_WITH(Optimizer<double>(parameters<double>(model, model), Adam{}, 0.1),
                    Catch::Matchers::Contains("are one parameter, which would be updated twice"));
}

TEST_CASE("What a rule remembers is never subnormal") {
  Weights<float> model{{{Tensor<float>(Shape{19}, 0.0f)}}};
  Optimizer<float> optimizer(parameters(model), Remember{}, 1);
  give_gradient<float>(model.weights[0], Tensor<float>(Shape{19}, 1e-36f));
  optimizer.step();
  for (int step = 0; step < 20; ++step) {
    give_gradient<float>(model.weights[0], Tensor<float>(Shape{19}, 0.0f));
    optimizer.step();
    for (const float w : model.weights[0].value())
      CHECK((w == 0 || w > std::numeric_limits<float>::min() / 2));
  }
  CHECK(xt::all(xt::equal(model.weights[0].value(), 0.0f)));
}
