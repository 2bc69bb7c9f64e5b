// Posteriors that are flows.
#include "strata/vae/flows.hpp"

#include <xtensor-blas/xlinalg.hpp>

#include "strata/tests/random_tensor.hpp"
#include "strata/tests/vae/parts/check_model.hpp"
#include "strata/vae/models/vae.hpp"

using namespace strata;
using namespace strata::tests;

namespace {

VaeConfig small(PosteriorKind posterior, std::vector<std::size_t> latent = {3}) {
  return {.data = pixels,
          .hidden = {12},
          .latent = latent,
          .upper_hidden = {6},
          .posterior = posterior,
          .top_posterior = posterior,
          .flow_steps = 2,
          .flow_hidden = {8}};
}

// All parameters of some steps, from N(0, 1)
template <class Steps> void randomise(Steps& steps) {
  Rng rng{5};
  for (const auto& [name, parameter] : parameters<double>(steps)) fill_normal(rng, parameter->write());
}

template <class Step> void check_density(const std::vector<Step>& steps) {
  Tape<double> tape;
  const auto base = tape.constant(normals({1, 4}, 1)), variance = tape.constant(normals({1, 4}, 2));
  const auto at = [&](const Tensor<double>& epsilon) {
    auto [z, log_q] = sample_and_log_prob(Normal<double>{base, variance}, Noise<double>::given({epsilon}));
    for (const auto& step : steps) {
      const auto [moved, log_determinant] = step(z);
      z = moved, log_q = log_q - log_determinant;
    }
    return Draw<double>{z, log_q};
  };
  const Tensor<double> point = 0.7 * normals({1, 4}, 3);
  Tensor<double> jacobian(Shape{4, 4});
  constexpr double h = 1e-6;
  for (std::size_t i = 0; i < 4; ++i) {
    Tensor<double> up = point, down = point;
    up(0, i) += h, down(0, i) -= h;
    const Tensor<double> slope = (at(up).z.value() - at(down).z.value()) / (2 * h);
    for (std::size_t k = 0; k < 4; ++k) jacobian(k, i) = slope(0, k);
  }
  const double expected = log_prob(standard_normal, tape.constant(point)).value()(0) -
                          std::log(std::abs(xt::linalg::det(jacobian)));
  CHECK(at(point).log_prob.value()(0) == Approx(expected).margin(1e-7));
}

}  // namespace

TEST_CASE("Models whose posteriors are flows train, are saved and evaluated, with one layer and two") {
  for (const auto posterior : {PosteriorKind::coupling, PosteriorKind::iaf})
    for (const auto& latent : {std::vector<std::size_t>{3}, {3, 2}})
      check_model([&]<class T>(Rng& rng) { return Vae<T>(small(posterior, latent), rng); });
}

TEST_CASE("A flow's log density is that of the change of variables") {
  Rng rng{4};
  std::vector<Coupling<double>> couplings;
  std::vector<Autoregressive<double>> autoregressive;
  for (const bool backwards : {false, true, false}) {
    couplings.emplace_back(4, std::vector<std::size_t>{5}, MlpOptions{}, rng);
    autoregressive.emplace_back(4, std::vector<std::size_t>{7, 5}, MlpOptions{}, backwards, rng);
  }
  randomise(couplings);
  randomise(autoregressive);
  check_density(couplings);
  check_density(autoregressive);
}

TEST_CASE("An autoregressive step's component depends on those before it alone, or, backwards, after it") {
  for (const bool backwards : {false, true}) {
    Rng rng{4};
    std::vector<Autoregressive<double>> steps;
    steps.emplace_back(4, std::vector<std::size_t>{9, 7}, MlpOptions{}, backwards, rng);
    randomise(steps);
    Tape<double> tape;
    const auto z = tape.variable(normals({1, 4}, 1));
    const auto moved = steps[0](z).z;
    for (std::size_t i = 0; i < 4; ++i) {
      tape.backward(sum(slice(moved, 1, i, i + 1)));
      for (std::size_t j = 0; j < 4; ++j) CHECK((z.grad()(0, j) != 0) == (backwards ? j >= i : j <= i));
    }
  }
}

TEST_CASE("A coupling flow's density is known at any point, so that the posterior can be stopped") {
  Rng rng{4};
  FlowHead<double, Coupling> head{NormalHead<double>(6, {5}, 3, {}, rng), {}};
  for (int i = 0; i < 3; ++i) head.steps.emplace_back(3, std::vector<std::size_t>{5}, MlpOptions{}, rng);
  randomise(head.steps);
  Tape<double> tape;
  const auto q = head(tape.constant(normals({7, 6}, 1)));
  const auto [z, log_q] = sample_and_log_prob(q, Noise<double>(rng));
  CHECK(xt::allclose(log_prob(q, z).value(), log_q.value(), 1e-9));
  Vae<float> model(small(PosteriorKind::coupling), rng), other(small(PosteriorKind::coupling), rng);
  Optimizer<float> adam(parameters(model), Adam{}, 1e-2);
  ObjectiveStep step(model, adam, Dreg{}, {.samples = 4});
  check_training(model, other, step, half_lit(320), Binarize::dynamic);
  const auto x = tape.constant(Tensor<double>(Shape{2, pixels}, 0.0));
  const Vae<double> iaf(small(PosteriorKind::iaf), rng);
  CHECK(std::isfinite(objective(Piwae{2}, iaf.pass({x, {}, 4, Paths::split}, rng)).value()()));
  CHECK_THROWS_WITH(iaf.pass({x, {}, 4, Paths::stopped}, rng), Catch::Matchers::Contains("log_prob"));
}

TEST_CASE("Flows start as they say, and move two components at least") {
  Rng rng{4};
  Tape<double> tape;
  const auto z = tape.constant(Tensor<double>{{1, 2, 3}});
  const auto [moved, log_determinant] = Coupling<double>(3, {4}, {}, rng)(z);
  CHECK((moved.value() == Tensor<double>{{2, 3, 1}}));
  CHECK(log_determinant.value()(0) == 0);
  const auto near = Autoregressive<double>(3, {4}, {}, false, rng)(z);
  const double s = 1 / (1 + std::exp(-2));
  CHECK(xt::allclose(near.z.value(), s * z.value()));
  CHECK(near.log_determinant.value()(0) == Approx(3 * std::log(s)));
  CHECK_THROWS_WITH(Coupling<double>(1, {4}, {}, rng), "[Coupling] moves at least two components");
  CHECK_THROWS_WITH(Autoregressive<double>(1, {4}, {}, false, rng),
                    "[Autoregressive] moves at least two components");
}
