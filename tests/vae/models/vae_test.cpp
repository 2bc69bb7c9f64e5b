#include "strata/vae/models/vae.hpp"

#include <catch2/catch.hpp>

#include "strata/autograd/operations.hpp"
#include "strata/nn/gradcheck.hpp"
#include "strata/nn/optimizer.hpp"
#include "strata/tests/complete_fields.hpp"
#include "strata/vae/objective.hpp"

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

NormalHead<double>& posterior(Vae<double>& vae, std::size_t t) {
  return std::get<NormalHead<double>>(vae.q[t]);
}

}  // namespace

TEST_CASE("The VAE's gradients are right with every likelihood, scale, activation and beta") {
  for (const auto likelihood : {Likelihood::bernoulli, Likelihood::normal, Likelihood::normal_learned,
                                Likelihood::normal_learned_each})
    for (const auto scale : {Scale::log_variance, Scale::softplus})
      for (const bool batch_norm : {false, true}) {
        Rng rng{1};
        Vae<double> vae({.data = 7,
                         .hidden = {5, 4},
                         .latent = {2},
                         .networks = {.activation = batch_norm ? Activation::tanh : Activation::softplus,
                                      .batch_norm = batch_norm},
                         .likelihood = likelihood,
                         .noise_variance = 0.3,
                         .scale = scale},
                        rng);
        const auto x = binary({6, 7});
        const auto report = gradcheck(vae, [&](Tape<double>& tape) {
          Rng noise{3};
          return objective(Elbo{0.7}, vae.pass({tape.constant(x)}, noise, training(noise)));
        });
        INFO(to_string(likelihood) << ", " << to_string(scale) << ", batch norm " << batch_norm);
        CHECK(report.message == "");
      }
}

TEST_CASE("Beta weighs the KL and nothing else, and a penalty is subtracted") {
  Rng rng{1};
  Vae<double> vae({.data = 7, .hidden = {5}, .latent = {2}}, rng);
  Tape<double> tape;
  auto pass = vae.pass({tape.constant(binary({3, 7})), {}, 2}, rng);
  const Tensor<double> kl = pass.layers[0].kl.value();
  CHECK(xt::allclose(pass.elbo(4).value(), pass.log_likelihood.value() - 4.0 * kl, 1e-14));
  CHECK(xt::all(xt::greater(kl, 0.0)));
  for (const Objective chosen : {Objective(Elbo{}), Objective(Elbo{1, 0.5}), Objective(Iwae{})}) {
    pass.penalty = {};
    const double without = objective(chosen, pass).value()();
    pass.penalty = 3 * pass.layers[0].z;
    CHECK(objective(chosen, pass).value()() == Approx(without - mean(pass.penalty).value()()));
  }
  const double whole = objective(Elbo{}, pass).value()(),
               none = objective(Elbo{.penalty = 0}, pass).value()();
  CHECK(objective(Elbo{.penalty = 0.25}, pass).value()() == Approx(0.75 * none + 0.25 * whole));
}

TEST_CASE("A library default trains: it is finite before its first step, for one layer and for many") {
  for (const auto& latent : {std::vector<std::size_t>{2}, {100, 50}, {64, 32, 16, 8, 4}})
    for (const std::uint64_t seed : {0, 1, 2}) {
      Rng rng{seed};
      Vae<float> vae({.latent = latent}, rng);
      Tape<float> tape;
      const Tensor<float> x = xt::cast<float>(binary({8, 784}));
      const double bound = objective(Elbo{}, vae.pass({tape.constant(x)}, rng, training(rng))).value()();
      INFO(latent.size() << " layers: " << bound);
      CHECK(bound > (latent.size() == 1 ? -1e4 : -2e3));  // coin tosses for pixels: −543
    }
}

TEST_CASE("The hierarchy's gradients are right with every objective, covariance and condition") {
  struct Case {
    Objective objective;
    std::size_t samples;
    PosteriorKind covariance;
    std::size_t condition;
  };
  for (const Case& c :
       {Case{Elbo{}, 1, PosteriorKind::normal, 0}, Case{Elbo{0.6}, 3, PosteriorKind::full, 0},
        Case{Elbo{1, 0.4}, 2, PosteriorKind::normal, 2}, Case{Elbo{1, 0.4}, 2, PosteriorKind::full, 2},
        Case{Iwae{}, 4, PosteriorKind::full, 0}, Case{Iwae{0.7}, 3, PosteriorKind::full, 2},
        Case{Miwae{2, 0.7}, 4, PosteriorKind::normal, 0}, Case{Ciwae{0.3, 0.7}, 3, PosteriorKind::full, 2}}) {
    Rng rng{1};
    Vae<double> model({.data = 6,
                       .hidden = {5},
                       .latent = {4, 3, 2},
                       .upper_hidden = {4},
                       .networks = {.activation = Activation::tanh, .init = Init::glorot},
                       .posterior = c.covariance,
                       .top_posterior = c.covariance,
                       .condition = c.condition},
                      rng);
    const auto x = binary({5, 6}), labels = one_hot(5, 2);
    const auto report = gradcheck(model, [&](Tape<double>& tape) {
      Rng noise{3};
      const auto condition = c.condition > 0 ? tape.constant(labels) : Var<double>();
      return objective(c.objective,
                       model.pass({tape.constant(x), condition, c.samples}, noise, training(noise)));
    });
    INFO("objective " << c.objective.index() << ", " << c.samples << " samples, condition " << c.condition);
    CHECK(report.message == "");
  }
}

TEST_CASE("The fields of every configuration are complete") {
  for (const auto likelihood :
       {Likelihood::bernoulli, Likelihood::normal_learned, Likelihood::normal_learned_each})
    for (const auto covariance : {PosteriorKind::normal, PosteriorKind::full})
      for (const std::size_t condition : {0, 2}) {
        Rng rng{1};
        Vae<double> vae({.data = 6,
                         .hidden = {5},
                         .latent = {3, 2},
                         .upper_hidden = {4},
                         .networks = {.batch_norm = true},
                         .likelihood = likelihood,
                         .posterior = covariance,
                         .top_posterior = covariance,
                         .condition = condition},
                        rng);
        const auto x = binary({4, 6}), labels = one_hot(4, 2);
        tests::check_complete_fields(vae, [&](Tape<double>& tape) {
          return objective(Elbo{}, vae.pass({tape.constant(x), tape.constant(labels)}, rng, training(rng)));
        });
      }
}

TEST_CASE("Free bits cost nothing below their number, whether or not a layer's KL is closed") {
  Rng rng{1};
  Vae<double> model({.data = 6,
                     .hidden = {5},
                     .latent = {4, 2},
                     .upper_hidden = {4},
                     .top_posterior = PosteriorKind::full,
                     .condition = 2},
                    rng);
  Tape<double> tape;
  const auto pass =
      model.pass({tape.constant(binary({8, 6})), tape.constant(one_hot(8, 2))}, rng, training(rng));
  CHECK(!pass.layers[1].kl);  // of a full normal and one with another mean: by the draw
  const double first = mean(pass.layers[0].divergence()).value()(),
               second = mean(pass.layers[1].divergence()).value()();
  const double reconstruction = mean(pass.log_likelihood).value()();
  const double free = std::max(first, second) + 1;
  CHECK(objective(Elbo{1, free}, pass).value()() == Approx(reconstruction - 2 * free));
  CHECK(objective(Elbo{1, 1e-9}, pass).value()() ==
        Approx(reconstruction - std::max(first, 1e-9) - std::max(second, 1e-9)));
  CHECK(objective(Elbo{0.3}, pass).value()() == Approx(reconstruction - 0.3 * (first + second)));
  CHECK(objective(Elbo{0.3, free}, pass).value()() == Approx(reconstruction - 0.3 * 2 * free));
}

TEST_CASE("A label enters all kinds of heads and changes p(x | z, c); without one a model passes it over") {
  Rng rng{1};
  Vae<double> model({.data = 6, .hidden = {5}, .latent = {3, 2}, .upper_hidden = {4}, .condition = 2}, rng);
  Tape<double> tape;
  const auto x = tape.constant(binary({1, 6}));
  const auto run = [&](const Vae<double>& vae, const Tensor<double>& c) {
    Rng noise{4};
    return vae.pass({x, tape.constant(c)}, noise);
  };
  Tensor<double> other = xt::zeros<double>({1, 2});
  other(0, 1) = 1;
  const auto zero = run(model, one_hot(1, 2)), one = run(model, other);
  for (std::size_t t = 0; t < 2; ++t) {
    CHECK((zero.layers[t].mean.value() != one.layers[t].mean.value()));
    CHECK((zero.layers[t].log_p.value() != one.layers[t].log_p.value()));
  }
  // p(x | z, c) with z held fixed
  const Layers<Var<double>> z = {zero.layers[0].z, zero.layers[1].z};
  const auto as_zero = model.decode(z, tape.constant(one_hot(1, 2)), rng);
  const auto as_one = model.decode(z, tape.constant(other), rng);
  CHECK((as_zero.value() != as_one.value()));

  tape.backward(-objective(Elbo{}, one));
  for (const auto* head : {&posterior(model, 0), &posterior(model, 1), &model.p[0]}) {
    const auto& weight = head->body.layers[0].linear.weight.gradient.value;
    CHECK(xt::amax(xt::abs(xt::view(weight, weight.shape(0) - 1, xt::all())))() > 0);
  }
  CHECK_THROWS_WITH(model.pass({x}, rng),
                    "[pass] the model is conditional: give the condition that it was made for");

  Vae<double> plain({.data = 6, .hidden = {5}, .latent = {3, 2}, .upper_hidden = {4}}, rng);
  CHECK((run(plain, other).elbo().value() == run(plain, one_hot(1, 2)).elbo().value()));
}

TEST_CASE("Ancestral sampling draws the layers below a given one from p, and leaves that one alone") {
  Rng rng{1};
  Vae<double> model({.data = 6, .hidden = {5}, .latent = {4, 3, 2}, .upper_hidden = {4}}, rng);
  Tape<double> tape;
  for (std::size_t t = 1; t <= 3; ++t) {
    const auto z = model.draw(tape, t, 7, {}, rng), other = model.draw(tape, t, 7, {}, rng);
    REQUIRE(z.size() == 4 - t);
    for (std::size_t i = 0; i < z.size(); ++i) {
      CHECK(z[i].shape() == Shape{7, 5 - t - i});
      CHECK((z[i].value() != other[i].value()));
    }
    const Tensor<double> one = model.decode(z, {}, rng).value(), again = model.decode(z, {}, rng).value();
    CHECK(one.shape() == Shape{7, 6});
    CHECK((one == again) == (t == 1));  // below z_1 nothing is drawn
  }
  const auto z = model.draw(tape, 3, 7, {}, rng);
  const auto middle = model.p[1](z[0]).mean, low = model.p[0](middle).mean;  // without noise: the means of p
  CHECK((model.decode(z, {}, Noise<double>::zero()).value() ==
         model.decode({low, middle, z[0]}, {}, rng).value()));
  CHECK_THROWS_WITH(model.draw(tape, 4, 7, {}, rng), "[draw] there is no layer 4; they are 1 ... 3");
  CHECK_THROWS_WITH(model.decode({}, {}, rng), "[decode] needs z_t ... z_T of 3 layers, and has 0 of them");

  Vae<double> conditional({.data = 6, .hidden = {5}, .latent = {3}, .condition = 2}, rng);
  CHECK(conditional.draw(tape, 1, 4, tape.constant(one_hot(4, 2)), rng)[0].shape() == Shape{4, 3});
}

TEST_CASE("Given noise is needed for every layer, in its shape") {
  Rng rng{1};
  Vae<double> model({.data = 6, .hidden = {5}, .latent = {3, 2}, .upper_hidden = {4}}, rng);
  Tape<double> tape;
  const auto x = tape.constant(binary({2, 6}));
  const Tensor<double> epsilon = xt::zeros<double>({2, 3});
  CHECK_THROWS_WITH(model.pass({x}, Noise<double>::given({epsilon})),
                    "[Noise] noise is given for 1 layers; the model has more");
  CHECK_THROWS_WITH(model.pass({x}, Noise<double>::given({epsilon, epsilon})),
                    "[Noise] the noise given for layer 2 is (2, 3), the model needs (2, 2)");
}

TEST_CASE("A frozen decoder collects no gradient and leaves the encoder's as they are") {
  Rng rng{1};
  Vae<double> vae({.data = 6, .hidden = {5}, .latent = {3}}, rng);
  const auto x = binary({4, 6});
  const auto encoder_gradient = [&] {
    discard_gradients(vae);
    Tape<double> tape;
    Rng noise{2};
    tape.backward(objective(Elbo{}, vae.pass({tape.constant(x)}, noise)));
    return posterior(vae, 0).mean.weight.gradient.value;
  };
  const auto free = encoder_gradient();
  auto& decoder = std::get<BernoulliHead<double>>(vae.decoder);
  freeze(decoder);
  CHECK((encoder_gradient() == free));
  CHECK(!decoder.output.weight.gradient.received);
  CHECK(parameter_count(decoder) == 0);
  Optimizer<double> adam(parameters(vae), Adam{}, 0.1);
  const Tensor<double> before = decoder.output.weight.value();
  adam.step();
  CHECK((decoder.output.weight.value() == before));
  thaw(decoder);
  encoder_gradient();
  CHECK(decoder.output.weight.gradient.received);
}

TEST_CASE("An output starts at the data's mean: its logit, or itself") {
  Rng rng{1};
  const Tensor<double> mean = {0, 0.25, 0.5, 0.75, 1, 0.1};
  Vae<double> vae({.data = 6, .hidden = {5}, .latent = {2}}, rng);
  vae.start_at(mean);
  const auto& bias = std::get<BernoulliHead<double>>(vae.decoder).output.bias.value();
  CHECK(bias(1) == Approx(std::log(0.25 / 0.75)));
  CHECK(bias(0) == Approx(std::log(0.001 / 0.999)));
  CHECK(bias(4) == Approx(-bias(0)));
  Vae<double> normal({.data = 6, .hidden = {5}, .latent = {2}, .likelihood = Likelihood::normal}, rng);
  normal.start_at(mean);
  CHECK((std::get<HomoscedasticHead<double>>(normal.decoder).output.bias.value() == mean));
  CHECK_THROWS_WITH(vae.start_at({0.5, 0.5}), "[start_at] the mean is (2), the output's bias (6)");
}

TEST_CASE("Unknown names and impossible configurations are refused") {
  CHECK_THROWS_WITH(parse<Likelihood>("poisson"),
                    "[likelihood] 'poisson' is unknown; there are bernoulli, normal, normal-learned, "
                    "normal-learned-each");
  CHECK_THROWS_WITH(parse<Scale>("variance"),
                    "[scale] 'variance' is unknown; there are log_variance, softplus, clamped");
  Rng rng;
  CHECK_THROWS_WITH(Vae<double>({.likelihood = Likelihood::normal, .noise_variance = 0}, rng),
                    Catch::Matchers::Contains("it must be above 0"));
  CHECK_THROWS_WITH(Vae<double>({.latent = {0}}, rng),
                    Catch::Matchers::Contains("[Linear] needs widths of at least 1"));
  CHECK_THROWS_WITH(Vae<double>({.latent = {}}, rng), "[Vae] needs at least one latent width");
}
