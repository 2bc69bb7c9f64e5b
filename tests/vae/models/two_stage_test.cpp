#include "strata/vae/models/two_stage.hpp"

#include <catch2/catch.hpp>

#include "strata/tests/vae/linear_decoder.hpp"
#include "strata/tests/vae/models/linear_chain.hpp"
#include "strata/vae/estimation.hpp"
#include "strata/vae/simulation.hpp"
#include "strata/vae/training.hpp"

using namespace strata;
using namespace strata::tests;

namespace {

Vae<double> linear_vae(std::size_t data, std::size_t latent, Likelihood likelihood) {
  Rng rng{1};
  return Vae<double>({.data = data,
                      .hidden = {},
                      .latent = {latent},
                      .likelihood = likelihood,
                      .noise_variance = chain_noise},
                     rng);
}

// The chain of two layers, each a stage.
TwoStage<double> stages_of(const Chain& chain) {
  auto first = linear_vae(chain_width, 4, Likelihood::normal),
       second = linear_vae(4, 3, Likelihood::normal_learned_each);
  first.q[0] = chain.model.q[0];
  first.decoder = chain.model.decoder;
  second.q[0] = chain.model.q[1];
  auto& head = std::get<HomoscedasticHead<double>>(second.decoder);
  head.output = chain.model.p[0].mean;
  head.log_variance.write() = chain.model.p[0].scale.bias.value();
  return {first, second};
}

}  // namespace

TEST_CASE("Of a linear chain the two stages' weights are all p(x), and its hierarchy's") {
  const Chain chain = make_chain(2, PosteriorKind::full);
  const auto model = stages_of(chain);
  const Matrix x = 2.0 * normals({3, chain_width}, 5), exact = exact_log_likelihood(chain, x);
  Tape<double> tape;
  Rng rng{4}, same{4};
  const auto pass = model.pass({tape.constant(x), {}, 5}, rng);
  const auto hierarchy = chain.model.pass({tape.constant(x), {}, 5}, same);
  const Matrix weights = pass.log_weight().value();
  for (std::size_t i = 0; i < 15; ++i) CHECK(weights(i) == Approx(exact(i / 5)).epsilon(1e-12));
  CHECK(xt::allclose(pass.elbo().value(), hierarchy.elbo().value(), 1e-12));
  CHECK((model.latent()[0] == 4 && model.latent()[1] == 3));
}

TEST_CASE("Draws of two stages have the chain's moments, and go through both") {
  const Chain chain = make_chain(2, PosteriorKind::full);
  const auto model = stages_of(chain);
  Rng rng{7};
  const auto drawn = simulate<double>(model, 20000, {}, rng);
  REQUIRE(drawn.z.size() == 2);
  const Matrix centred = drawn.mean - chain.mean;
  const Matrix covariance = dot(transposed(centred), centred) / 20000.0;
  CHECK(xt::amax(xt::abs(xt::mean(centred, {0})))() < 0.1);
  CHECK(xt::allclose(covariance, chain.covariance - chain_noise * xt::eye<double>(chain_width), 0.05, 0.2));
  Tape<double> tape;
  const auto u = model.draw(tape, 2, 4, {}, rng);
  REQUIRE(u.size() == 1);
  CHECK((model.decode(u, {}, rng).value() != model.decode(u, {}, rng).value()));  // z is drawn
  CHECK((model.decode(u, {}, Noise<double>::zero()).value() ==
         model.decode(u, {}, Noise<double>::zero()).value()));
}

TEST_CASE("Data in r dimensions: at r active units all slopes vanish but that of ln γ, which is −(D − r)/2") {
  constexpr std::size_t data = 5, latent = 4, r = 2;
  for (const double gamma : {0.1, 1e-3, 1e-6}) {
    auto vae = linear_vae(data, latent, Likelihood::normal_learned);
    const Tensor<double> spread = {2.0, 0.7};  // λ, the data's variances
    const auto decoder =
        orthogonal_decoder({std::sqrt(2.0 - gamma), std::sqrt(0.7 - gamma), 0, 0}, data, gamma);
    const auto directions = orthogonal_decoder({1, 1, 0, 0}, data, gamma).output.weight.value();
    auto& output = std::get<HomoscedasticHead<double>>(vae.decoder);
    output.output = decoder.output;
    output.log_variance.write().fill(std::log(gamma));
    const Matrix &w = output.output.weight.value(), &b = output.output.bias.value();
    const Matrix precision = posterior_precision(decoder, gamma);
    auto& q = std::get<NormalHead<double>>(vae.q[0]);
    q.mean.weight.write() = transposed(w) / (precision * gamma);
    q.mean.bias.write() = -dot(b, q.mean.weight.value());
    q.scale.weight.write().fill(0);
    q.scale.bias.write() = -xt::log(precision);
    Matrix x(Shape{2 * r, data});  // b ± √(r λ) along each direction
    for (std::size_t i = 0; i < 2 * r; ++i)
      xt::view(x, i, xt::all()) =
          b + (i % 2 ? -1 : 1) * std::sqrt(r * spread(i / 2)) * xt::view(directions, i / 2, xt::all());
    for (std::size_t i = 0; i < latent; ++i)
      for (const double sign : {-1.0, 1.0}) {  // the 2 L points whose mean is that of any quadratic
        Matrix epsilon = xt::zeros<double>({2 * r, latent});
        xt::view(epsilon, xt::all(), i) = sign * std::sqrt(static_cast<double>(latent));
        Tape<double> tape;
        tape.backward(objective(Elbo{}, vae.pass({tape.constant(x)}, Noise<double>::given({epsilon}))));
      }
    for (const auto& [name, parameter] : parameters<double>(vae)) {
      const Matrix slope = parameter->gradient.value / (2.0 * latent);
      INFO(name << " at " << gamma);
      if (name == "decoder.log_variance")
        CHECK(slope(0) == Approx(-0.5 * (data - r)).epsilon(1e-7));
      else
        CHECK(xt::amax(xt::abs(slope))() < 1e-7 / std::sqrt(gamma));
    }
  }
}

TEST_CASE("A VAE that learns γ on data in r dimensions ends with r active units, and γ falls") {
  constexpr std::size_t r = 2, width = 8;
  const Tensor<double> s = normals({256, r}, 2);
  const Dataset data{Tensor<float>(xt::cast<float>(dot(s, normals({r, width}, 3))))};
  Rng rng{1};
  Vae<float> vae({.data = width,
                  .hidden = {},
                  .latent = {4},
                  .likelihood = Likelihood::normal_learned,
                  .noise_variance = 1},
                 rng);
  constexpr std::size_t epochs = 600;
  Optimizer<float> adam(parameters(vae), Adam{}, 0.02);
  ObjectiveStep step(vae, adam, Elbo{}, {.samples = 4, .schedule = make_schedule(Decay::cosine, epochs)});
  Trainer trainer(step, data, {.batch = 64, .binarize = Binarize::none});
  for (std::size_t epoch = 0; epoch < epochs; ++epoch) trainer.run_epoch();
  CHECK(std::exp(std::get<HomoscedasticHead<float>>(vae.decoder).log_variance.value()(0)) < 0.01);
  const auto batch = first_examples<float>(data, 256, Binarize::none, rng);
  CHECK(active_units(vae, batch, 16, rng) == std::vector<std::size_t>{r});
}

TEST_CASE("Stages that do not fit, or are to be trained together, are refused") {
  const auto one = linear_vae(chain_width, 4, Likelihood::normal);
  CHECK_THROWS_WITH(TwoStage<double>(one, one),
                    "[TwoStage] z has 4 components, and the second stage's data 6");
  CHECK_THROWS_WITH(TwoStage<double>(one, make_chain(2, PosteriorKind::normal).model),
                    "[TwoStage] its stages have one stochastic layer each, and these have 1 and 2");
  Rng rng{1};
  Tape<double> tape;
  CHECK_THROWS_WITH(stages_of(make_chain(2, PosteriorKind::full))
                        .pass({tape.constant(normals({2, chain_width}, 1)), {}, 1, Paths::stopped}, rng),
                    "[TwoStage] its stages are trained one after the other");
}
