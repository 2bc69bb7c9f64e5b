#include "strata/nn/mlp.hpp"

#include <catch2/catch.hpp>

#include "strata/autograd/elementwise.hpp"
#include "strata/autograd/shape.hpp"
#include "strata/nn/checkpoint.hpp"
#include "strata/nn/dropout.hpp"
#include "strata/nn/gradcheck.hpp"
#include "strata/nn/summary.hpp"
#include "strata/tests/random_tensor.hpp"
#include "strata/tests/temporary_folder.hpp"

using namespace strata;
using tests::normals;

namespace {

double deviation(const Tensor<double>& x) { return std::sqrt(xt::mean(x * x)()); }

}  // namespace

TEST_CASE("A network is its layers, and its gradients are right with every option") {
  for (const bool batch_norm : {false, true})
    for (const double rate : {0.0, 0.4}) {
      Rng rng{3};
      Mlp<double> mlp(4, {5, 3}, {Activation::tanh, Init::glorot, batch_norm, rate}, rng);
      const auto report = gradcheck(mlp, [&](Tape<double>& tape) {
        Rng noise{9};
        return mlp(tape.constant(normals({6, 4}, 1)), training(noise));
      });
      CHECK(report.message == "");
    }

  Rng rng{3};
  Mlp<double> mlp(4, {5}, {Activation::relu, Init::he}, rng);
  Tape<double> tape;
  const auto x = tape.constant(normals({2, 4}, 1));
  const auto by_hand =
      relu(matmul(x, mlp.layers[0].linear.weight.on(tape)) + mlp.layers[0].linear.bias.on(tape));
  CHECK(xt::allclose(mlp(x).value(), by_hand.value(), 1e-14));
}

TEST_CASE("A gated layer is (x W + b) ⊙ sigmoid(x V + c), normalised before the gate") {
  for (const bool batch_norm : {false, true}) {
    Rng rng{3};
    Mlp<double> mlp(4, {5, 3}, {.activation = Activation::gated, .batch_norm = batch_norm}, rng);
    const auto& [linear, norm, gate] = mlp.layers[0];
    Tape<double> tape;
    const auto x = tape.constant(normals({6, 4}, 1));
    const auto h = norm ? (*norm)(linear(x)) : linear(x);
    const auto by_hand = h * sigmoid((*gate)(x));
    const Mlp<double>::Layer& second = mlp.layers[1];
    const auto g = second.norm ? (*second.norm)(second.linear(by_hand)) : second.linear(by_hand);
    CHECK(xt::allclose(mlp(x).value(), (g * sigmoid((*second.gate)(by_hand))).value(), 1e-14));
    const auto report = gradcheck(mlp, [&](Tape<double>& on) {
      Rng noise{9};
      return mlp(on.constant(normals({6, 4}, 1)), training(noise));
    });
    CHECK(report.message == "");
    CHECK_THROWS_WITH(activate(Activation::gated, x), Catch::Matchers::Contains("Mlp has such layers"));
  }
}

TEST_CASE("A network of x beside several rows of c is that of their concatenation") {
  for (const auto& widths : {std::vector<std::size_t>{}, {5}, {5, 3}})
    for (const auto activation : {Activation::tanh, Activation::gated}) {
      Rng rng{3};
      Mlp<double> mlp(6, widths, {.activation = activation, .batch_norm = true, .dropout = 0.4}, rng);
      Tape<double> tape;
      const auto x = tape.constant(normals({4, 4}, 1)), c = tape.constant(normals({12, 2}, 2));
      Rng masks{9}, same{9};
      const auto at_once = mlp(x, c, training(masks));
      const auto one_by_one = mlp(concatenate({repeat_rows(x, 3), c}, 1), training(same));
      CHECK(xt::allclose(at_once.value(), one_by_one.value(), 1e-12, 1e-12));
      CHECK_THROWS_WITH(mlp(x, tape.constant(normals({11, 2}, 2))),
                        Catch::Matchers::Contains("x is (4, 4), c is (11, 2)"));
      if (widths.empty()) continue;
      const auto report = gradcheck(mlp, [&](Tape<double>& on) {
        Rng noise{9};
        return mlp(on.constant(normals({4, 4}, 1)), on.constant(normals({12, 2}, 2)), training(noise));
      });
      CHECK(report.message == "");
    }
}

TEST_CASE("Fields are visited by path, parameters counted, and shown as a table") {
  Rng rng;
  Mlp<float> mlp(784, {500, 30}, {.batch_norm = true}, rng);
  std::vector<std::string> names;
  for_each_tensor(mlp, [&](const std::string& path, auto&) { names.push_back(path); });
  CHECK(names == std::vector<std::string>{"0.weight", "0.bias", "0.norm.gamma", "0.norm.beta",
                                          "0.norm.running_mean", "0.norm.running_variance", "1.weight",
                                          "1.bias", "1.norm.gamma", "1.norm.beta", "1.norm.running_mean",
                                          "1.norm.running_variance"});
  CHECK(parameters(mlp).size() == 8);
  CHECK(parameter_count(mlp) == 784 * 500 + 500 + 2 * 500 + 500 * 30 + 30 + 2 * 30);
  const std::string table = summary(mlp);
  CHECK_THAT(table, Catch::Matchers::Contains("0       weight (784, 500), bias (500)"));
  CHECK_THAT(table, Catch::Matchers::Contains("408,590"));
}

TEST_CASE("Initialisers have the deviations that they promise") {
  Rng rng{1};
  const double he = std::sqrt(2.0 / 400), glorot = std::sqrt(2.0 / 1000);
  const Linear<double> source_layer(400, 600, Init::he_with_biases, rng), he_layer(400, 600, Init::he, rng),
      glorot_layer(400, 600, Init::glorot, rng);
  CHECK(deviation(source_layer.weight.value()) == Approx(he).epsilon(0.01));
  CHECK(deviation(source_layer.bias.value()) == Approx(he).epsilon(0.1));
  CHECK(deviation(he_layer.weight.value()) == Approx(he).epsilon(0.01));
  CHECK(deviation(he_layer.bias.value()) == 0);
  CHECK(deviation(glorot_layer.weight.value()) == Approx(glorot).epsilon(0.01));
  CHECK(xt::amax(xt::abs(glorot_layer.weight.value()))() <= std::sqrt(6.0 / 1000));
  CHECK(deviation(glorot_layer.bias.value()) == 0);
  const Linear<double> zero_layer(40, 60, Init::zero, rng);
  CHECK(deviation(zero_layer.weight.value()) == 0);
  CHECK(deviation(zero_layer.bias.value()) == 0);
  CHECK(suitable_init(Activation::tanh) == Init::glorot);
  CHECK(suitable_init(Activation::softplus) == Init::he_with_biases);
  CHECK(suitable_init(Activation::softplus, 2) == Init::glorot);
  CHECK(suitable_init(Activation::gated) == Init::he);
  CHECK_THROWS_WITH(parse<Init>("xavier"),
                    "[init] 'xavier' is unknown; there are he_with_biases, he, glorot, zero");
  CHECK_THROWS_WITH(Linear<double>(0, 3, Init::he, rng), "[Linear] needs widths of at least 1: (0, 3)");
}

TEST_CASE("Dropout keeps the mean in training and does nothing in inference") {
  Tape<double> tape;
  Rng rng{1};
  const auto x = tape.variable(xt::ones<double>({100'000}));
  const auto y = dropout(x, 0.25, training(rng));
  CHECK(xt::mean(y.value())() == Approx(1).margin(0.01));
  CHECK(xt::mean(xt::cast<double>(xt::equal(y.value(), 0)))() == Approx(0.25).margin(0.01));
  CHECK((dropout(x, 0.25, Context{}).value() == x.value()));
  CHECK_THROWS_WITH(dropout(x, 0.5, {Mode::train}),
                    "[dropout] training draws random numbers: give the Context an Rng");
  CHECK_THROWS_WITH(dropout(x, 1, training(rng)), Catch::Matchers::Contains("must lie in [0, 1)"));
}

TEST_CASE("A model is stored and restored, and a file of another model is refused unchanged") {
  Rng rng{1};
  const MlpOptions options{.batch_norm = true};
  Mlp<float> saved(4, {5, 3}, options, rng), loaded(4, {5, 3}, options, rng);
  saved.layers[0].norm->running_mean.write()(2) = 7;
  const TemporaryFolder folder;
  Safetensors file;
  store(saved, file);
  file.write(folder / "model.safetensors");
  const auto read = Safetensors::read(folder / "model.safetensors");
  restore(loaded, read);
  CHECK((loaded.layers[1].linear.weight.value() == saved.layers[1].linear.weight.value()));
  CHECK(loaded.layers[0].norm->running_mean.value()(2) == 7);

  Mlp<float> other(4, {5, 2}, options, rng);
  const auto before = other.layers[0].linear.weight.value();
  CHECK_THROWS_WITH(restore(other, read),
                    Catch::Matchers::Contains("'1.weight' is (5, 3) in the file, (5, 2) in the model"));
  CHECK((other.layers[0].linear.weight.value() == before));
  Mlp<float> deeper(4, {5, 3, 2}, options, rng);
  CHECK_THROWS_WITH(restore(deeper, read), Catch::Matchers::Contains("2.weight"));
  auto surplus = read;
  surplus.set("another.weight", Tensor<float>(Shape{1}, 0.0f));
  CHECK_THROWS_WITH(restore(loaded, surplus),
                    "[restore] 'another.weight' in the file is none of the model's tensors; is it a file of "
                    "another configuration?");
}
