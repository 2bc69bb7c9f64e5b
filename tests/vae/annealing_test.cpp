#include "strata/vae/annealing.hpp"

#include <catch2/catch.hpp>

#include "strata/tests/vae/models/linear_chain.hpp"

using namespace strata;
using namespace strata::tests;

namespace {

Chain wrong_chain(std::size_t layers) {
  auto chain = make_chain(layers, PosteriorKind::normal, 0.5);
  diagonal(chain.model.q[0]).mean.bias.write() += 0.5;
  return chain;
}

// β_n = (s(8 n/N − 4) − s(−4)) / (s(4) − s(−4))
double beta(double n, double temperatures) {
  const auto s = [](double x) { return 1 / (1 + std::exp(-x)); };
  return (s(8 * n / temperatures - 4) - s(-4)) / (s(4) - s(-4));
}

}  // namespace

TEST_CASE("Annealing meets ln p(x) of chains whose encoders are wrong") {
  for (const std::size_t layers : {1, 2, 3}) {
    const auto chain = wrong_chain(layers);
    const Batch<double> x{1.5 * normals({3, chain_width}, 3)};
    const Matrix exact = exact_log_likelihood(chain, x.x.value());
    const AnnealingOptions options{.temperatures = 500, .seed = 1};
    const auto estimates = estimate_annealed(chain.model, x, options);
    INFO(layers << " layers");
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(std::abs(estimates[i].log_likelihood - exact(i)) < 4 * estimates[i].standard_error());
      CHECK(estimates[i].standard_error() < 0.25);
    }
    CHECK(estimate_annealed(chain.model, x.rows(0, 1), options)[0].log_likelihood ==
          estimates[0].log_likelihood);
  }
}

TEST_CASE("Annealing meets ln p(x) of linear models whose encoders are flows, between its bounds") {
  const auto chain = wrong_chain(1);
  for (const auto kind : {PosteriorKind::coupling, PosteriorKind::iaf}) {
    Rng rng{3};
    Vae<double> vae({.data = chain_width,
                     .hidden = {},
                     .latent = {4},
                     .likelihood = Likelihood::normal,
                     .noise_variance = chain_noise,
                     .top_posterior = kind,
                     .flow_steps = 2,
                     .flow_hidden = {5}},
                    rng);
    vae.decoder = chain.model.decoder;
    std::visit(
        [&](auto& q) {
          if constexpr (requires { q.steps; }) {
            q.base = std::get<NormalHead<double>>(chain.model.q[0]);
            for (const auto& [name, parameter] : parameters<double>(q.steps))
              parameter->write() += 0.1 * normals(parameter->value().shape(), 7);
          }
        },
        vae.q[0]);
    const auto drawn = simulate<double>(vae, 4, {}, rng);
    const Batch<double> x{drawn.mean + std::sqrt(chain_noise) * normals({4, chain_width}, 9)};
    const Matrix exact = exact_log_likelihood(chain, x.x.value());
    const auto brackets = bracket_simulated(vae, x, drawn.z, {.temperatures = 500, .seed = 1});
    REQUIRE(brackets.size() == 4);
    for (std::size_t i = 0; i < 4; ++i) {
      const auto& [lower, upper] = brackets[i];
      CHECK(std::abs(lower.log_likelihood - exact(i)) < 4 * lower.standard_error());
      CHECK(std::abs(upper - exact(i)) < 4 * lower.standard_error());
      CHECK(lower.standard_error() < 0.25);
    }
  }
}

TEST_CASE("Weights stay unbiased however coarse the annealing: their mean is p(x)") {
  const auto chain = wrong_chain(1);
  const Matrix x = normals({1, chain_width}, 3);
  const double exact = exact_log_likelihood(chain, x)(0);
  Rng rng{2};
  const Annealing coarse(log_weight_of<double>(chain.model, {x}),
                         {.temperatures = 30, .chains = 2000, .leapfrog_steps = 2}, rng);
  const auto estimate = coarse.forward(rng);
  CHECK(std::abs(estimate.log_likelihood - exact) < 4 * estimate.standard_error());
  CHECK(estimate.standard_error() < 0.15);
  CHECK(estimate.effective_samples < 1500);  // coarse
}

TEST_CASE("On images that a model drew the bounds bracket ln p(x)") {
  for (const std::size_t layers : {1, 2}) {
    const auto chain = wrong_chain(layers);
    Rng rng{3};
    const auto drawn = simulate<double>(chain.model, 8, {}, rng);
    const Batch<double> x{drawn.mean + std::sqrt(chain_noise) * normals({8, chain_width}, 9)};
    const Matrix exact = exact_log_likelihood(chain, x.x.value());
    const auto brackets =
        bracket_simulated(chain.model, x, drawn.z, {.temperatures = 500, .chains = 16, .seed = 1});
    double below = 0, above = 0;
    for (std::size_t i = 0; i < 8; ++i) {
      const auto& [lower, upper] = brackets[i];
      CHECK(std::abs(lower.log_likelihood - exact(i)) < 4 * lower.standard_error());
      CHECK(std::abs(upper - exact(i)) < 4 * lower.standard_error());
      below += (brackets[i].lower.log_likelihood - exact(i)) / 8;
      above += (brackets[i].upper - exact(i)) / 8;
    }
    INFO(layers << " layers: " << below << ", " << above);
    CHECK(below < 0.2);
    CHECK(above > -0.2);
    CHECK(std::abs(above - below) < 0.3);
  }
}

TEST_CASE("Step sizes are tuned to the acceptance asked for, and nothing is annealed in 0 steps") {
  const auto chain = wrong_chain(2);
  const auto log_weight = log_weight_of<double>(chain.model, {normals({1, chain_width}, 3)});
  Rng rng{1};
  CHECK(Annealing(log_weight, {.temperatures = 400}, rng).acceptance() == Approx(0.65).margin(0.1));
  for (const AnnealingOptions& none : {AnnealingOptions{.temperatures = 0}, AnnealingOptions{.chains = 0},
                                       AnnealingOptions{.leapfrog_steps = 0}})
    CHECK_THROWS_WITH(Annealing(log_weight, none, rng),
                      "[Annealing] needs at least one temperature, one chain and one leapfrog step");
}

TEST_CASE("Log weights are the values at each temperature times its increments, in both directions") {
  // ln w grows by 1,000 with each evaluation, wherever that is: every move is accepted.
  double evaluations = 0;
  const LogWeight rising(2, [&](const Matrix& epsilon, Matrix& value, Matrix* gradient) {
    value = Matrix(Shape{epsilon.shape(0)}, 1000 * evaluations++);
    if (gradient) gradient->fill(0);
  });
  Rng rng{1}, same = rng;
  const Annealing annealing(rising, {.temperatures = 4, .chains = 3, .leapfrog_steps = 1}, rng),
      single(rising, {.temperatures = 1, .chains = 3, .leapfrog_steps = 1}, same);
  CHECK(annealing.acceptance() == single.acceptance());  // of one move, at β = 0
  CHECK(annealing.acceptance() > 0.1);
  CHECK(annealing.acceptance() <= 1);
  double forward = 0, backward = 0;
  for (int n = 0; n < 4; ++n) {
    forward += (beta(n + 1, 4) - beta(n, 4)) * 1000 * n;
    backward += (beta(n + 1, 4) - beta(n, 4)) * 1000 * (3 - n);
  }
  evaluations = 0;
  CHECK(annealing.forward(rng).log_likelihood == Approx(forward).epsilon(1e-12));
  evaluations = 0;
  CHECK(annealing.upper_bound({1, 2}, rng) == Approx(backward).epsilon(1e-12));
}

TEST_CASE("A move is leapfrog steps, accepted by Metropolis' rule") {
  // w = e^(−½ a |ε|²)
  constexpr std::size_t chains = 64, width = 2, leapfrog_steps = 3;
  constexpr double a = 0.5, half = 0.5;  // half: β in the middle of two temperatures
  std::vector<Matrix> path;
  const LogWeight log_weight(width, [&](const Matrix& epsilon, Matrix& value, Matrix* gradient) {
    path.push_back(epsilon);
    value = -a / 2 * xt::sum(epsilon * epsilon, {1});
    if (gradient) *gradient = -a * epsilon;
  });
  Rng rng{1};
  const Annealing annealing(log_weight,
                            {.temperatures = 2, .chains = chains, .leapfrog_steps = leapfrog_steps}, rng);
  path.clear();
  Rng same = rng;
  const double estimate = annealing.forward(rng).log_likelihood;
  REQUIRE(path.size() == 1 + leapfrog_steps);

  Matrix start(Shape{chains, width}), p(Shape{chains, width}), uniform(Shape{chains});
  fill_normal(same, start);
  fill_normal(same, p);
  fill_uniform(same, uniform);
  CHECK((path[0] == start));
  const double stiffness = 1 + half * a;  // of −ln π = ½ stiffness |ε|²
  const double h =
      std::sqrt((2 * path[1](0, 0) - path[0](0, 0) - path[2](0, 0)) / (stiffness * path[1](0, 0)));
  Matrix epsilon = start;
  const auto energy = [&] { return Matrix(xt::sum(p * p + stiffness * epsilon * epsilon, {1}) / 2); };
  const Matrix before = energy();
  p -= h / 2 * stiffness * epsilon;
  for (std::size_t k = 1; k <= leapfrog_steps; ++k) {
    epsilon += h * p;
    CHECK(xt::allclose(path[k], epsilon, 1e-8, 1e-8));
    p -= (k < leapfrog_steps ? h : h / 2) * stiffness * epsilon;
  }
  const Matrix accepted = xt::cast<double>(uniform < xt::exp(before - energy()));
  CHECK(xt::sum(accepted)() > 10);
  CHECK(xt::sum(1 - accepted)() > 10);
  const auto value = [](const Matrix& x) { return Matrix(-a / 2 * xt::sum(x * x, {1})); };
  const Matrix log_weights =
      half * value(start) + half * (accepted * value(epsilon) + (1 - accepted) * value(start));
  CHECK(estimate == Approx(std::log(xt::mean(xt::exp(log_weights))())).epsilon(1e-8));
}
