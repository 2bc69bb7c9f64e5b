// Priors that learn: mixtures, and the variational mixture of posteriors.
#include "strata/vae/priors.hpp"

#include <numbers>

#include "strata/tests/random_tensor.hpp"
#include "strata/tests/vae/linear_decoder.hpp"
#include "strata/tests/vae/parts/check_model.hpp"
#include "strata/vae/models/vae.hpp"

using namespace strata;
using namespace strata::tests;

namespace {

VaeConfig small(PriorKind prior, std::vector<std::size_t> latent = {2}) {
  return {
      .data = pixels, .hidden = {12}, .latent = latent, .upper_hidden = {5}, .prior = prior, .components = 3};
}

// π, m and s of a mixture in a Vae
MixturePrior<double>& mixture_of(Vae<double>& vae) { return std::get<MixturePrior<double>>(vae.prior); }

}  // namespace

TEST_CASE("Models with learned priors train, are saved and evaluated, with one layer and two") {
  for (const auto prior : {PriorKind::mixture, PriorKind::vamp})
    for (const auto& latent : {std::vector<std::size_t>{2}, {3, 2}}) {
      const auto make = [&]<class T>(Rng& rng) { return Vae<T>(small(prior, latent), rng); };
      INFO(to_string(prior) << ", " << latent.size() << " layers");
      check_model(make);
      if (latent.size() == 1) check_model(make, Iwae{});
    }
}

TEST_CASE("A model with a mixture prior trains by DReG, too") {
  Rng rng{1};
  Vae<float> model(small(PriorKind::mixture), rng), other(small(PriorKind::mixture), rng);
  Optimizer<float> adam(parameters(model), Adam{}, 1e-2);
  ObjectiveStep step(model, adam, Dreg{}, {.samples = 4});
  check_training(model, other, step, half_lit(320), Binarize::dynamic);
}

TEST_CASE("With one pseudo-input, which is x, the VampPrior's divergence is 0") {
  Rng rng{3};
  VaeConfig config = small(PriorKind::vamp);
  config.components = 1;
  config.scale = Scale::clamped;
  const Vae<double> vae(config, rng);
  Tape<double> tape;
  const auto x = tape.constant(std::get<VampPrior<double>>(vae.prior).pseudo_inputs.value());
  const Tensor<double> divergence = vae.pass({x, {}, 50}, rng).layers[0].divergence().value();
  CHECK(xt::amax(xt::abs(divergence))() < 1e-12);
}

TEST_CASE("A mixture of one normal is that normal, and of equal ones too") {
  Tape<double> tape;
  const auto z = tape.constant(normals({5, 3}, 1)), mean = tape.constant(normals({1, 3}, 2)),
             log_variance = tape.constant(normals({1, 3}, 3)), one = tape.constant({1.0});
  const auto expected = normal_log_density(z, mean, log_variance).value();
  CHECK(xt::allclose(log_prob(Mixture<double>{{mean, log_variance}, 0 * one}, z).value(), expected, 1e-12));
  const Mixture<double> equal{{broadcast(mean, {4, 3}), log_variance}, -std::log(4) * one};
  CHECK(xt::allclose(log_prob(equal, z).value(), expected, 1e-12));
}

TEST_CASE("Draws from a mixture have its components' shares, means and variances") {
  Tape<double> tape;
  const Mixture<double> p{{tape.constant({{-20.0, 1.0}, {0.0, 2.0}, {20.0, 3.0}}),
                           tape.constant({{0.0, std::log(0.25)}, {0.0, 0.0}, {std::log(4.0), 0.0}})},
                          log(tape.constant({0.2, 0.3, 0.5}))};
  Rng rng{7};
  constexpr std::size_t count = 40000;
  const Tensor<double> z = sample(p, tape, {count, 2}, rng).value();
  const double share[] = {0.2, 0.3, 0.5}, second[] = {1, 2, 3}, first_variance[] = {1, 1, 4},
               second_variance[] = {0.25, 1, 1};
  for (std::size_t k = 0; k < 3; ++k) {
    double n = 0, sum = 0, squares = 0, first_squares = 0;
    const double centre = 20 * (static_cast<double>(k) - 1);
    for (std::size_t i = 0; i < count; ++i) {
      const double d = z(i, 0) - centre, e = z(i, 1) - second[k];
      if (std::abs(d) > 10) continue;  // another component's
      n += 1, sum += e, squares += e * e, first_squares += d * d;
    }
    INFO("component " << k);
    CHECK(n / count == Approx(share[k]).margin(0.012));
    CHECK(sum / n == Approx(0).margin(0.05));
    CHECK(squares / n == Approx(second_variance[k]).epsilon(0.06));
    CHECK(first_squares / n == Approx(first_variance[k]).epsilon(0.06));
  }
}

TEST_CASE("The likelihood under a mixture of linear-Gaussian models is that mixture's") {
  constexpr double variance = 0.3;
  Rng rng{1};
  Vae<double> vae({.data = 4,
                   .hidden = {},
                   .latent = {2},
                   .likelihood = Likelihood::normal,
                   .noise_variance = variance,
                   .prior = PriorKind::mixture,
                   .components = 3},
                  rng);
  const auto decoder = orthogonal_decoder({1.3, 0.6}, 4, variance);
  vae.decoder = decoder;
  auto& prior = mixture_of(vae);
  prior.logits.write() = {0.5, -0.3, 0.2};
  prior.mean.write() = 1.5 * normals({3, 2}, 2);
  prior.log_variance.write() = 0.3 * normals({3, 2}, 3);
  // q is wider than the posterior, whose weights it bounds
  auto& q = std::get<NormalHead<double>>(vae.q[0]);
  const Tensor<double>&w = decoder.output.weight.value(), &b = decoder.output.bias.value();
  const Tensor<double> lengths = xt::sum(w * w, {1});
  for (std::size_t l = 0; l < 2; ++l) {
    q.mean.bias.write()(l) = 0;
    q.scale.bias.write()(l) = std::log(1.5 * variance / lengths(l) + 0.6);
    for (std::size_t d = 0; d < 4; ++d) {
      q.mean.weight.write()(d, l) = w(l, d) / lengths(l);
      q.mean.bias.write()(l) -= b(d) * w(l, d) / lengths(l);
      q.scale.weight.write()(d, l) = 0;
    }
  }
  const Tensor<double> x = normals({3, 4}, 5);
  const auto estimates = estimate_likelihood(vae, Batch<double>{x}, {.samples = 200000});
  Tape<double> tape;
  const auto p = prior.on(tape);
  for (std::size_t n = 0; n < 3; ++n) {
    // N(x; m W + b, Wᵀ S W + σ² I): W's rows are orthogonal, so that x splits into its parts along them, of
    // variance σ² + s |w|², and a rest
    double total = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      double log_density = p.log_weights.value()(k), rest = 0;
      for (std::size_t d = 0; d < 4; ++d) rest += std::pow(x(n, d) - b(d), 2);
      for (std::size_t l = 0; l < 2; ++l) {
        double along = 0;
        for (std::size_t d = 0; d < 4; ++d) along += (x(n, d) - b(d)) * w(l, d) / std::sqrt(lengths(l));
        const double s = std::exp(prior.log_variance.value()(k, l)), v = variance + s * lengths(l),
                     away = along - prior.mean.value()(k, l) * std::sqrt(lengths(l));
        log_density -= 0.5 * (std::log(2 * std::numbers::pi * v) + away * away / v);
        rest -= along * along;
      }
      log_density -= 0.5 * (2 * std::log(2 * std::numbers::pi * variance) + rest / variance);
      total += std::exp(log_density);
    }
    INFO("image " << n << ", effective " << estimates[n].effective_samples);
    CHECK(estimates[n].standard_error() < 0.015);
    CHECK(std::abs(estimates[n].log_likelihood - std::log(total)) < 4 * estimates[n].standard_error());
  }
}

TEST_CASE("An encoded VampPrior is the same prior, for evaluation and for draws") {
  for (const auto& latent : {std::vector<std::size_t>{2}, {3, 2}}) {
    Rng rng{3};
    Vae<double> vae(small(PriorKind::vamp, latent), rng);
    const auto before = vae;
    vae.encode_prior();
    CHECK(std::holds_alternative<MixturePrior<double>>(vae.prior));
    Tape<double> tape;
    const auto x = tape.constant(Tensor<double>(Shape{4, pixels}, 1.0));
    Rng a{5}, b{5};
    CHECK(xt::allclose(before.pass({x}, a).layers.back().log_p.value(),
                       vae.pass({x}, b).layers.back().log_p.value(), 1e-12));
    CHECK(xt::allclose(before.draw(tape, 1, 9, {}, a)[0].value(), vae.draw(tape, 1, 9, {}, b)[0].value(),
                       1e-12));
  }
}

TEST_CASE("Pseudo-inputs start at 0.05 ± 0.01 or where they are told to, and are held within [0, 1]") {
  Rng rng{3};
  VaeConfig config = small(PriorKind::vamp);
  config.components = 200;
  Vae<double> vae(config, rng);
  const auto& vamp = std::get<VampPrior<double>>(vae.prior);
  CHECK(xt::mean(vamp.pseudo_inputs.value())() == Approx(0.05).margin(0.001));
  CHECK(xt::stddev(vamp.pseudo_inputs.value())() == Approx(0.01).margin(0.001));
  Tape<double> tape;
  const auto log_p = [&](double grey) {
    vae.start_pseudo_inputs(Tensor<double>(Shape{200, pixels}, grey));
    Rng same{5};
    const auto x = tape.constant(Tensor<double>(Shape{1, pixels}, 1.0));
    return vae.pass({x}, same).layers[0].log_p.value()(0);
  };
  CHECK(log_p(3) == log_p(1));
  CHECK(log_p(-0.1) == log_p(0));
  CHECK(log_p(1) != log_p(0));
  CHECK_THROWS_WITH(vae.start_pseudo_inputs(Tensor<double>(Shape{2, pixels}, 0.0)),
                    "[VampPrior] it has pseudo-inputs (200, 16), and is to start at (2, 16)");
  Vae<double> plain(small(PriorKind::standard), rng);
  CHECK_THROWS_WITH(plain.start_pseudo_inputs(Tensor<double>(Shape{2, pixels}, 0.0)),
                    Catch::Matchers::Contains("no pseudo-inputs"));
}

TEST_CASE("Priors that a model cannot have are refused") {
  Rng rng{1};
  VaeConfig conditional = small(PriorKind::vamp), none = conditional, full = conditional;
  conditional.condition = 2;
  none.components = 0;
  full.top_posterior = PosteriorKind::full;
  CHECK_THROWS_WITH(Vae<double>(conditional, rng),
                    "[Vae] a conditional model has a prior of its own, not 'vamp'");
  CHECK_THROWS_WITH(Vae<double>(none, rng), "[Vae] its prior needs at least one component");
  const Vae<double> vae(full, rng);
  Tape<double> tape;
  CHECK_THROWS_WITH(vae.pass({tape.constant(Tensor<double>(Shape{1, pixels}, 1.0))}, rng),
                    "[VampPrior] its posterior must have independent components");
}
