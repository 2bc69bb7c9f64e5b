#include "vae/markov_hvae.hpp"

#include <catch2/catch.hpp>

#include "autograd/operations.hpp"
#include "nn/gradcheck.hpp"
#include "tests/reference.hpp"
#include "vae/objective.hpp"
#include "vae/vae.hpp"

using namespace strata;

namespace {

Tensor<double> binary(const Shape& shape) {
  Rng rng{5};
  Tensor<double> x(shape, 0.5);
  fill_bernoulli(rng, x, x);
  return x;
}

Tensor<double> one_hot(std::size_t rows, std::size_t classes) {
  Tensor<double> c = xt::zeros<double>({rows, classes});
  for (std::size_t i = 0; i < rows; ++i) c(i, i % classes) = 1;
  return c;
}

// Calls use(layer, its name in the reference) for every linear layer of the model.
template <class F> void for_each_layer(MarkovHvae<double>& model, F use) {
  const auto network = [&](auto& net, const std::string& name, bool lowest) {
    use(net.body.layers[0].linear, name + ".hidden");
    if constexpr (requires { net.mean; }) {
      use(net.mean, name + ".mean");
      use(net.scale, name + ".log_variance");
    } else if (lowest) {
      use(net.output, name + ".logits");
    }
  };
  for (std::size_t t = 0; t < model.q.size(); ++t) network(model.q[t], "q." + std::to_string(t + 1), false);
  for (std::size_t t = 0; t < model.p.size(); ++t) network(model.p[t], "p." + std::to_string(t + 2), false);
  network(model.decoder, "p.1", true);
}

}  // namespace

TEST_CASE("The hierarchy reproduces the reference: every value and every gradient") {
  for (const std::string name : {"hvae_t1", "hvae_t3"}) {
    const tests::Reference reference(name);
    const std::vector<std::size_t> latent =
        name == "hvae_t1" ? std::vector<std::size_t>{4} : std::vector<std::size_t>{6, 4, 3};
    Rng rng;
    MarkovHvae<double> model({.data = 11, .hidden = {9}, .latent = latent, .upper_hidden = {9}}, rng);
    for_each_layer(model, [&](Linear<double>& layer, const std::string& layer_name) {
      reference.set(layer.weight, layer_name + ".weight");
      reference.set(layer.bias, layer_name + ".bias");
    });
    Tape<double> tape;
    Layers<Var<double>> epsilon;
    for (std::size_t t = 1; t <= latent.size(); ++t)
      epsilon.push_back(tape.constant(reference["input.epsilon." + std::to_string(t)]));
    const auto path = model.path({tape.constant(reference["input.x"])}, epsilon, rng, Mode::train);
    const auto parts = terms(path);
    reference.check(parts.reconstruction.value(), "output.reconstruction");
    reference.check(parts.top_kl.value(), "output.top_kl");
    reference.check(parts.elbo().value(), "output.elbo");
    reference.check(parts.log_weight().value(), "output.log_weight");
    for (std::size_t t = 0; t < latent.size(); ++t) {
      const std::string number = std::to_string(t + 1);
      reference.check(path.z[t].value(), "output.z." + number);
      reference.check(parts.log_q[t].value(), "output.log_q." + number);
      if (t > 0) reference.check(parts.log_p[t - 1].value(), "output.log_p." + number);
    }
    const auto loss = -mean(parts.elbo());
    reference.check(loss.value(), "output.loss");
    tape.backward(loss);
    for_each_layer(model, [&](Linear<double>& layer, const std::string& layer_name) {
      reference.check_gradient(layer.weight, layer_name + ".weight");
      reference.check_gradient(layer.bias, layer_name + ".bias");
    });
  }
}

TEST_CASE("With one layer the hierarchy is the VAE: the same weights and noise give the same values") {
  Rng vae_rng{3}, hvae_rng{3};
  const MlpOptions networks{.activation = Activation::tanh, .init = Init::glorot};
  Vae<double> vae({.data = 7, .hidden = {6, 5}, .latent = 3, .networks = networks}, vae_rng);
  MarkovHvae<double> hvae({.data = 7, .hidden = {6, 5}, .latent = {3}, .networks = networks}, hvae_rng);
  hvae.q[0] = vae.encoder;
  hvae.decoder = vae.decoder;
  for (const std::size_t samples : {1, 4}) {
    Tape<double> tape;
    const auto x = tape.constant(binary({5, 7}));
    Rng a{9}, b{9};
    const auto one = terms(vae.path({x, {}, samples}, a, Mode::train));
    const auto other = terms(hvae.path({x, {}, samples}, b, Mode::train));
    CHECK((one.elbo().value() == other.elbo().value()));
    CHECK((one.log_weight().value() == other.log_weight().value()));
    CHECK((one.kl(0).value() == other.kl(0).value()));
  }
}

TEST_CASE("The hierarchy's gradients are right with every objective, covariance and condition") {
  struct Case {
    Objective objective;
    std::size_t samples;
    Covariance covariance;
    std::size_t condition;
  };
  for (const Case& c :
       {Case{{}, 1, Covariance::diagonal, 0}, Case{{Bound::elbo, 0.6}, 3, Covariance::full, 0},
        Case{{Bound::elbo, 1, 0.4}, 2, Covariance::diagonal, 2}, Case{{Bound::iwae}, 4, Covariance::full, 0},
        Case{{Bound::iwae, 0.7}, 3, Covariance::diagonal, 2}}) {
    Rng rng{1};
    MarkovHvae<double> model({.data = 6,
                              .hidden = {5},
                              .latent = {4, 3, 2},
                              .upper_hidden = {4},
                              .networks = {.activation = Activation::tanh, .init = Init::glorot},
                              .covariance = c.covariance,
                              .top_covariance = c.covariance,
                              .condition = c.condition},
                             rng);
    const auto x = binary({5, 6}), labels = one_hot(5, 2);
    const auto report = gradcheck(model, [&](Tape<double>& tape) {
      Rng noise{3};
      const auto condition = c.condition > 0 ? tape.constant(labels) : Var<double>();
      return objective(terms(model.path({tape.constant(x), condition, c.samples}, noise, Mode::train)),
                       c.objective);
    });
    INFO(to_string(c.objective.bound) << ", " << c.samples << " samples, condition " << c.condition);
    CHECK(report.message == "");
  }
}

TEST_CASE("Free bits cost nothing below their number, and belong to the ELBO") {
  Rng rng{1};
  MarkovHvae<double> model({.data = 6, .hidden = {5}, .latent = {4, 2}, .upper_hidden = {4}}, rng);
  Tape<double> tape;
  const auto parts = terms(model.path({tape.constant(binary({8, 6}))}, rng, Mode::train));
  const double first = mean(parts.kl(0)).value()(), second = mean(parts.kl(1)).value()();
  const double reconstruction = mean(parts.reconstruction).value()();
  const double free = std::max(first, second) + 1;
  CHECK(objective(parts, {Bound::elbo, 1, free}).value()() == Approx(reconstruction - 2 * free));
  CHECK(objective(parts, {Bound::elbo, 1, 1e-9}).value()() == Approx(reconstruction - first - second));
  CHECK(objective(parts, {Bound::elbo, 0.3}).value()() == Approx(reconstruction - 0.3 * (first + second)));
  CHECK(objective(parts, {Bound::elbo, 0.3, free}).value()() == Approx(reconstruction - 0.3 * 2 * free));
  CHECK_THROWS_WITH(objective(parts, {Bound::iwae, 1, 0.5}),
                    Catch::Matchers::Contains("free bits belong to the ELBO"));
}

TEST_CASE("A label enters all three kinds of networks and changes p(x | z, c)") {
  Rng rng{1};
  MarkovHvae<double> model({.data = 6, .hidden = {5}, .latent = {3, 2}, .upper_hidden = {4}, .condition = 2},
                           rng);
  Tape<double> tape;
  const auto x = tape.constant(binary({1, 6}));
  const auto run = [&](const Tensor<double>& c) {
    Rng noise{4};
    return model.path({x, tape.constant(c)}, noise, Mode::inference);
  };
  const auto zero = run(one_hot(1, 2));
  Tensor<double> other = xt::zeros<double>({1, 2});
  other(0, 1) = 1;
  const auto one = run(other);
  for (std::size_t t = 0; t < 2; ++t) CHECK((zero.q[t].mean.value() != one.q[t].mean.value()));
  CHECK((zero.p[0].mean.value() != one.p[0].mean.value()));
  CHECK((zero.prior.mean.value() != one.prior.mean.value()));
  // p(x | z, c) with z held fixed
  const auto as_zero = model.generate(zero.z[0], 1, tape.constant(one_hot(1, 2)), rng);
  const auto as_one = model.generate(zero.z[0], 1, tape.constant(other), rng);
  CHECK((as_zero.location.value() != as_one.location.value()));

  const auto gradients = mean(terms(one).elbo());
  tape.backward(-gradients);
  for (const auto* network : {&model.q[0], &model.q[1], &model.p[0]}) {
    const auto& weight = network->body.layers[0].linear.weight.gradient.value;
    CHECK(xt::amax(xt::abs(xt::view(weight, weight.shape(0) - 1, xt::all())))() > 0);
  }
}

TEST_CASE("Ancestral sampling draws the layers below a given one from p, and leaves that one alone") {
  Rng rng{1};
  MarkovHvae<double> model({.data = 6, .hidden = {5}, .latent = {4, 3, 2}, .upper_hidden = {4}}, rng);
  Tape<double> tape;
  for (std::size_t t = 1; t <= 3; ++t) {
    const auto z = model.draw(tape, t, 7, {}, rng), other = model.draw(tape, t, 7, {}, rng);
    CHECK(z.shape() == Shape{7, 5 - t});
    CHECK((z.value() != other.value()));
    const Tensor<double> one = model.generate(z, t, {}, rng).location.value(),
                         again = model.generate(z, t, {}, rng).location.value();
    CHECK(one.shape() == Shape{7, 6});
    CHECK((one == again) == (t == 1));  // below z_1 nothing is drawn
  }
  for (auto& p : model.p) {  // nearly no noise: what is below z_3 are the means of p
    p.scale.weight.value.fill(0);
    p.scale.bias.value.fill(-200);
  }
  const auto z = model.draw(tape, 3, 7, {}, rng);
  const auto low = model.p[0](model.p[1](z, rng, Mode::inference).mean, rng, Mode::inference).mean;
  CHECK((model.generate(z, 3, {}, rng).location.value() == model.generate(low, 1, {}, rng).location.value()));
  CHECK_THROWS_WITH(model.draw(tape, 4, 7, {}, rng), "[draw] there is no layer 4; they are 1 ... 3");
  CHECK_THROWS_WITH(model.generate(z, 0, {}, rng), "[generate] there is no layer 0; they are 1 ... 3");
}

TEST_CASE("Noise is needed for every layer") {
  Rng rng{1};
  MarkovHvae<double> model({.data = 6, .hidden = {5}, .latent = {3, 2}, .upper_hidden = {4}}, rng);
  Vae<double> vae({.data = 6, .hidden = {5}, .latent = 3}, rng);
  Tape<double> tape;
  const auto x = tape.constant(binary({2, 6})), epsilon = tape.constant(xt::zeros<double>({2, 3}));
  CHECK_THROWS_WITH(model.path({x}, {epsilon}, rng, Mode::train),
                    "[path] needs noise for 2 layers, but got it for 1");
  CHECK_THROWS_WITH(vae.path({x}, {epsilon, epsilon}, rng, Mode::train),
                    "[path] needs noise for 1 layers, but got it for 2");
}

TEST_CASE("Impossible hierarchies are refused") {
  Rng rng;
  CHECK_THROWS_WITH(MarkovHvae<double>({.latent = {}}, rng), "[MarkovHvae] needs at least one latent width");
  CHECK_THROWS_WITH(MarkovHvae<double>({.top_covariance = Covariance::full, .condition = 10}, rng),
                    Catch::Matchers::Contains("use one of the two"));
}
