#include "strata/tests/vae/models/linear_chain.hpp"

#include <catch2/catch.hpp>
#include <numeric>

#include "strata/vae/estimation.hpp"
#include "strata/vae/objective.hpp"

using namespace strata;
using namespace strata::tests;

namespace {

Batch<double> batch_of(const Matrix& x) { return {x}; }

double mean_of(const Matrix& x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

}  // namespace

TEST_CASE("With exact factors every single sample's log weight is ln p(x)") {
  for (const std::size_t layers : {1, 2, 3, 5}) {
    auto chain = make_chain(layers, PosteriorKind::full);
    const Matrix x = 1.5 * normals({7, chain_width}, 3);
    const Matrix exact = exact_log_likelihood(chain, x);
    Tape<double> tape;
    Rng rng{4};
    const auto parts = chain.model.pass({tape.constant(x), {}, 20}, rng);
    const Matrix& weights = parts.log_weight().value();
    INFO(layers << " layers");
    for (std::size_t row = 0; row < weights.size(); ++row)
      CHECK(weights(row) == Approx(exact(row / 20)).epsilon(1e-9));
    const auto bound = importance_weighted_bound(parts.log_weight(), 20);
    CHECK(xt::allclose(bound.value(), exact, 1e-9, 0));
  }
}

TEST_CASE("With diagonal factors ELBO ≤ IWAE_k ≤ ln p(x), rising in k") {
  for (const std::size_t layers : {1, 2, 3}) {
    auto chain = make_chain(layers, PosteriorKind::normal);
    const Matrix x = 1.5 * normals({4, chain_width}, 3);
    const double exact = mean_of(exact_log_likelihood(chain, x));
    INFO(layers << " layers");
    double below = -1e9, error_below = 0;
    for (const std::size_t k : {1, 2, 5, 20, 100}) {
      std::vector<double> bounds, elbos;
      for (std::uint64_t repeat = 0; repeat < 400; ++repeat) {
        Tape<double> tape(Record::values);
        Rng rng{repeat, 0, k};
        const auto parts = chain.model.pass({tape.constant(x), {}, k}, rng);
        bounds.push_back(mean_of(importance_weighted_bound(parts.log_weight(), k).value()));
        if (k == 1) elbos.push_back(mean_of(parts.elbo().value()));
      }
      const auto [bound, error] = mean_and_error(bounds);
      CHECK(bound > below - 3 * (error + error_below));
      CHECK(bound < exact + 3 * error);
      if (k == 1) {
        const auto [elbo, elbo_error] = mean_and_error(elbos);
        CHECK(std::abs(elbo - bound) < 3 * (error + elbo_error));  // IWAE_1 is the ELBO
        CHECK(bound < exact - 5 * error);                          // the diagonal posterior is not exact
      }
      if (k == 100) CHECK(exact - bound < 0.2);
      below = bound;
      error_below = error;
    }
  }
}

TEST_CASE("Chunks change no estimate, which converges to ln p(x)") {
  auto chain = make_chain(2, PosteriorKind::full, 1.5);
  const Matrix x = 1.5 * normals({5, chain_width}, 3);
  const Matrix exact = exact_log_likelihood(chain, x);
  const auto estimate = [&](std::size_t chunk) {
    return estimate_likelihood(chain.model, batch_of(x),
                               {.samples = 5000, .chunk = chunk, .seed = 1, .counts = {100, 1000}});
  };
  const auto whole = estimate(5000);
  for (const std::size_t chunk : {64, 100, 1000}) {
    const auto parts = estimate(chunk);
    for (std::size_t i = 0; i < 5; ++i) {
      CHECK(std::abs(parts[i].log_likelihood - whole[i].log_likelihood) < 1e-9);
      CHECK(std::abs(parts[i].metrics.elbo() - whole[i].metrics.elbo()) < 1e-9);
      CHECK(parts[i].effective_samples == Approx(whole[i].effective_samples).epsilon(1e-9));
      REQUIRE(parts[i].after.size() == 2);
      for (const std::size_t k : {0, 1}) CHECK(std::abs(parts[i].after[k] - whole[i].after[k]) < 1e-9);
    }
  }
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(std::abs(whole[i].log_likelihood - exact(i)) < 4 * whole[i].standard_error());
    CHECK(whole[i].standard_error() < 0.02);
    CHECK(whole[i].metrics.elbo() < exact(i));
    CHECK(whole[i].metrics.elbo() > exact(i) - 1.5);
  }
  // An image's estimate does not depend on its company.
  const auto first = estimate_likelihood(chain.model, batch_of(x).rows(0, 1), {.samples = 5000, .seed = 1});
  CHECK(std::abs(first[0].log_likelihood - whole[0].log_likelihood) < 1e-9);
  // The first draws are those of a smaller estimate.
  std::vector<std::size_t> done;
  const auto fewer = estimate_likelihood(chain.model, batch_of(x), {.samples = 1000, .seed = 1},
                                         [&](std::size_t images) { done.push_back(images); });
  CHECK(done == std::vector<std::size_t>{1, 2, 3, 4, 5});
  CHECK(std::abs(fewer[2].log_likelihood - whole[2].after[1]) < 1e-9);
  CHECK_THROWS_WITH(estimate_likelihood(chain.model, batch_of(x), {.samples = 0}),
                    "[estimate_likelihood] needs at least one sample and one draw a chunk");
}

TEST_CASE("Log weights of any size are summed without overflow") {
  auto chain = make_chain(1, PosteriorKind::full);
  Matrix x = 1e4 * normals({2, chain_width}, 3);  // ln p(x) of about −10⁸
  const Matrix exact = exact_log_likelihood(chain, x);
  const auto estimates = estimate_likelihood(chain.model, batch_of(x), {.samples = 200, .chunk = 64});
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(estimates[i].log_likelihood == Approx(exact(i)).epsilon(1e-9));
    CHECK(estimates[i].effective_samples == Approx(200));  // exact factors: every draw counts
  }
}

TEST_CASE("A mean comes with its standard error, and active units are those that vary") {
  const auto [mean, error] = mean_and_error({1, 2, 3, 4});
  CHECK(mean == 2.5);
  CHECK(error == Approx(std::sqrt(5.0 / 3 / 4)));
  CHECK(std::isnan(mean_and_error({7}).standard_error));
  CHECK_THROWS_WITH(mean_and_error({}), "[mean_and_error] there are no values");
  const Matrix two = {{0, 1, 5.0}, {0, 1.1, 5.3}, {0, 1, 5.0}, {0, 1.1, 5.3}};
  CHECK(active_units(two, two) == 1);
  const Matrix noise_of_one = {{1.0, 0.0}, {-1.0, 0.0}, {1.0, 0.0}, {-1.0, 0.0}},
               noise_of_other = {{1.0, 0.0}, {1.0, 0.0}, {-1.0, 0.0}, {-1.0, 0.0}};
  CHECK(active_units(noise_of_one, noise_of_other) == 0);
}

TEST_CASE("Posterior means are E_q[z_t], for any number of images") {
  auto chain = make_chain(2, PosteriorKind::normal);
  const Matrix x = normals({130, chain_width}, 3);
  Rng rng{1};
  const auto means = posterior_means(chain.model, batch_of(x), 4000, rng);
  REQUIRE(means.size() == 2);
  auto &lower = diagonal(chain.model.q[0]).mean, &upper = diagonal(chain.model.q[1]).mean;
  const Matrix first = dot(x, lower.weight.value()) + lower.bias.value();
  CHECK(xt::allclose(means[0], first, 1e-10, 1e-10));
  CHECK(xt::allclose(means[1], dot(first, upper.weight.value()) + upper.bias.value(), 0, 0.05));
  CHECK(active_units(chain.model, batch_of(x), 10, rng) == std::vector<std::size_t>{4, 3});

  // A unit that follows z_1's noise alone is not active, however few draws its mean is from.
  lower.weight.write().fill(0);
  CHECK(active_units(chain.model, batch_of(x), 1, rng) == std::vector<std::size_t>{0, 0});
}
