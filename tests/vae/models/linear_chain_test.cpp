// The linear-Gaussian Markov chain: z_T ~ N(0, I), z_t = A_t z_{t+1} + a_t + noise, x = W z_1 + b + noise.
// Its posterior factorises as q(z_1 | x) Π q(z_t | z_{t−1}) with linear means and fixed full covariances, so
// that with exact factors every weight p(x, z) / q(z | x) is p(x).
#include <catch2/catch.hpp>
#include <numbers>
#include <numeric>
#include <xtensor-blas/xlinalg.hpp>

#include "strata/tests/random_tensor.hpp"
#include "strata/vae/estimation.hpp"
#include "strata/vae/models/vae.hpp"
#include "strata/vae/objective.hpp"

using namespace strata;
using tests::normals;

namespace {

using Matrix = Tensor<double>;

Matrix dot(const Matrix& a, const Matrix& b) { return xt::linalg::dot(a, b); }
Matrix transposed(const Matrix& a) { return xt::transpose(a); }

constexpr std::size_t data = 6;
constexpr double noise = 0.4;  // the variance of x given z_1

// A chain with exact or diagonal posteriors, and what is known about it.
struct Chain {
  Vae<double> model;
  Matrix mean;        // of x: (1, D)
  Matrix covariance;  // of x: (D, D)
};

// y | v = N(v A + a, R) with v ~ N(m, S): the posterior of v given y is N(m + (y − m A − a) G, P).
struct Posterior {
  Matrix gain;        // G (Y, V)
  Matrix covariance;  // P (V, V)
};

Posterior posterior(const Matrix& s, const Matrix& a, const Matrix& r) {
  const Matrix joint = dot(s, a);  // cov(v, y)
  const Matrix y_covariance = dot(transposed(a), joint) + r;
  const Matrix gain = transposed(dot(joint, xt::linalg::inv(y_covariance)));
  return {gain, s - dot(joint, gain)};
}

// The part that both kinds of posterior share.
NormalHead<double>& diagonal(PosteriorHead<double>& posterior) {
  if (auto* full = std::get_if<FullNormalHead<double>>(&posterior)) return full->diagonal;
  return std::get<NormalHead<double>>(posterior);
}

// The network's covariance becomes `covariance`, or its diagonal part as the conditional variances where C is
// diagonal.
void set_covariance(PosteriorHead<double>& posterior, const Matrix& covariance) {
  diagonal(posterior).scale.weight.value.fill(0);
  auto* full = std::get_if<FullNormalHead<double>>(&posterior);
  if (full == nullptr) {
    diagonal(posterior).scale.bias.value = xt::log(xt::diagonal(covariance));
    return;
  }
  const Matrix c = xt::linalg::cholesky(covariance);
  full->diagonal.scale.bias.value = 2.0 * xt::log(xt::diagonal(c));
  full->lower.weight.value.fill(0);
  std::size_t entry = 0;
  for (std::size_t i = 1; i < c.shape(0); ++i)
    for (std::size_t j = 0; j < i; ++j) full->lower.bias.value(entry++) = c(i, j);
}

// `inflation` above 1 makes every posterior factor wider than the exact one, which bounds the weights.
Chain make_chain(std::size_t layers, Covariance covariance, double inflation = 1) {
  Rng rng{layers};
  std::vector<std::size_t> widths = {4, 3, 3, 2, 2};
  widths.resize(layers);
  Chain chain{Vae<double>({.data = data,
                           .hidden = {},
                           .latent = widths,
                           .upper_hidden = {},
                           .likelihood = Likelihood::normal,
                           .noise_variance = noise,
                           .covariance = covariance,
                           .top_covariance = covariance},
                          rng),
              {},
              {}};
  // Downwards: the marginal N(m_t, S_t) of every z_t.
  std::vector<Matrix> means(layers), marginals(layers);
  means[layers - 1] = xt::zeros<double>({std::size_t{1}, widths[layers - 1]});
  marginals[layers - 1] = xt::eye<double>(widths[layers - 1]);
  for (std::size_t t = layers - 1; t-- > 0;) {
    auto& p = chain.model.p[t];
    p.mean.weight.value = 0.7 * normals({widths[t + 1], widths[t]}, 10 + t);
    p.mean.bias.value = normals({widths[t]}, 20 + t);
    p.scale.weight.value.fill(0);
    p.scale.bias.value = 0.5 * normals({widths[t]}, 30 + t) - 1.0;
    const Matrix& a = p.mean.weight.value;
    const Matrix r = xt::diag(Matrix(xt::exp(p.scale.bias.value)));
    means[t] = dot(means[t + 1], a) + p.mean.bias.value;
    marginals[t] = dot(transposed(a), dot(marginals[t + 1], a)) + r;
    const auto exact = posterior(marginals[t + 1], a, r);  // q(z_{t+1} | z_t)
    auto& q = diagonal(chain.model.q[t + 1]);
    q.mean.weight.value = exact.gain;
    q.mean.bias.value = xt::view(means[t + 1] - dot(means[t], exact.gain), 0, xt::all());
    set_covariance(chain.model.q[t + 1], inflation * exact.covariance);
  }
  auto& decoder = std::get<HomoscedasticHead<double>>(chain.model.decoder).output;
  decoder.weight.value = normals({widths[0], data}, 1);
  decoder.bias.value = normals({data}, 2);
  const Matrix r = noise * xt::eye<double>(data);
  const auto exact = posterior(marginals[0], decoder.weight.value, r);  // q(z_1 | x)
  chain.mean = dot(means[0], decoder.weight.value) + decoder.bias.value;
  chain.covariance = dot(transposed(decoder.weight.value), dot(marginals[0], decoder.weight.value)) + r;
  auto& lowest = diagonal(chain.model.q[0]);
  lowest.mean.weight.value = exact.gain;
  lowest.mean.bias.value = xt::view(means[0] - dot(chain.mean, exact.gain), 0, xt::all());
  set_covariance(chain.model.q[0], inflation * exact.covariance);
  return chain;
}

Matrix exact_log_likelihood(const Chain& chain, const Matrix& x) {
  const Matrix centred = x - chain.mean;
  const Matrix solved = transposed(xt::linalg::solve(chain.covariance, transposed(centred)));
  return -0.5 * (xt::sum(centred * solved, {1}) + std::log(xt::linalg::det(chain.covariance)) +
                 static_cast<double>(data) * std::log(2 * std::numbers::pi));
}

Batch<double> batch_of(const Matrix& x) { return {x}; }

double mean_of(const Matrix& x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

}  // namespace

TEST_CASE("With exact factors every single sample's log weight is ln p(x)") {
  for (const std::size_t layers : {1, 2, 3, 5}) {
    auto chain = make_chain(layers, Covariance::full);
    const Matrix x = 1.5 * normals({7, data}, 3);
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
    auto chain = make_chain(layers, Covariance::diagonal);
    const Matrix x = 1.5 * normals({4, data}, 3);
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
  auto chain = make_chain(2, Covariance::full, 1.5);
  const Matrix x = 1.5 * normals({5, data}, 3);
  const Matrix exact = exact_log_likelihood(chain, x);
  const auto whole =
      estimate_likelihood(chain.model, batch_of(x), {.samples = 5000, .chunk = 5000, .seed = 1});
  for (const std::size_t chunk : {64, 100, 1000}) {
    const auto parts =
        estimate_likelihood(chain.model, batch_of(x), {.samples = 5000, .chunk = chunk, .seed = 1});
    for (std::size_t i = 0; i < 5; ++i) {
      CHECK(std::abs(parts[i].log_likelihood - whole[i].log_likelihood) < 1e-9);
      CHECK(std::abs(parts[i].metrics.elbo() - whole[i].metrics.elbo()) < 1e-9);
    }
  }
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(whole[i].log_likelihood == Approx(exact(i)).margin(0.03));
    CHECK(whole[i].metrics.elbo() < exact(i));
  }
  // An image's estimate does not depend on its company.
  const auto first = estimate_likelihood(chain.model, batch_of(x).rows(0, 1), {.samples = 5000, .seed = 1});
  CHECK(std::abs(first[0].log_likelihood - whole[0].log_likelihood) < 1e-9);
  CHECK_THROWS_WITH(estimate_likelihood(chain.model, batch_of(x), {.samples = 0}),
                    "[estimate_likelihood] needs at least one sample and one draw a chunk");
}

TEST_CASE("Log weights of any size are summed without overflow") {
  auto chain = make_chain(1, Covariance::full);
  Matrix x = 1e4 * normals({2, data}, 3);  // ln p(x) of about −10⁸
  const Matrix exact = exact_log_likelihood(chain, x);
  const auto estimates = estimate_likelihood(chain.model, batch_of(x), {.samples = 200, .chunk = 64});
  for (std::size_t i = 0; i < 2; ++i) CHECK(estimates[i].log_likelihood == Approx(exact(i)).epsilon(1e-9));
}

TEST_CASE("A mean comes with its standard error, and active units are those that vary") {
  const auto [mean, error] = mean_and_error({1, 2, 3, 4});
  CHECK(mean == 2.5);
  CHECK(error == Approx(std::sqrt(5.0 / 3 / 4)));
  CHECK_THROWS_WITH(mean_and_error({}), "[mean_and_error] there are no values");
  const Matrix two = {{0, 1, 5.0}, {0, 1.1, 5.3}, {0, 1, 5.0}, {0, 1.1, 5.3}};
  CHECK(active_units(two, two) == 1);
  const Matrix noise_of_one = {{1.0, 0.0}, {-1.0, 0.0}, {1.0, 0.0}, {-1.0, 0.0}},
               noise_of_other = {{1.0, 0.0}, {1.0, 0.0}, {-1.0, 0.0}, {-1.0, 0.0}};
  CHECK(active_units(noise_of_one, noise_of_other) == 0);
}

TEST_CASE("Posterior means are E_q[z_t], for any number of images") {
  auto chain = make_chain(2, Covariance::diagonal);
  const Matrix x = normals({130, data}, 3);
  Rng rng{1};
  const auto means = posterior_means(chain.model, batch_of(x), 4000, rng);
  REQUIRE(means.size() == 2);
  auto &lower = diagonal(chain.model.q[0]).mean, &upper = diagonal(chain.model.q[1]).mean;
  const Matrix first = dot(x, lower.weight.value) + lower.bias.value;
  CHECK(xt::allclose(means[0], first, 1e-10, 1e-10));
  CHECK(xt::allclose(means[1], dot(first, upper.weight.value) + upper.bias.value, 0, 0.05));
  CHECK(active_units(chain.model, batch_of(x), 10, rng) == std::vector<std::size_t>{4, 3});

  // A unit that follows z_1's noise alone is not active, however few draws its mean is from.
  lower.weight.value.fill(0);
  CHECK(active_units(chain.model, batch_of(x), 1, rng) == std::vector<std::size_t>{0, 0});
}
