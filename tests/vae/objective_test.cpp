// Gradient estimators on linear-Gaussian chains, T = 1, 2, 3. The exact gradient of the ELBO is that of a
// polynomial of third degree in the noise, and so its mean over the points ±√L e_i; that of the
// importance-weighted bounds is, draw for draw, the plain estimator's, which finite differences confirm
// (vae_test.cpp): other estimators are compared with it on the same noise.
#include "strata/vae/objective.hpp"

#include <catch2/catch.hpp>
#include <limits>

#include "strata/autograd/shape.hpp"
#include "strata/tests/vae/models/linear_chain.hpp"
#include "strata/vae/estimation.hpp"

using namespace strata;
using namespace strata::tests;

namespace {

// Moves the parameters of q, all of them or those of the means alone, so that it is not exact.
Chain inexact_chain(std::size_t layers, PosteriorKind covariance, bool all = true) {
  Chain chain = make_chain(layers, covariance, 1.3);
  std::uint64_t seed = 50;
  detail::for_each_parameter(chain.model.q, [&](const std::string& path, auto& parameter) {
    if (all || path.find("mean") != std::string::npos)
      parameter.write() += 0.2 * normals(parameter.value().shape(), seed++);
  });
  return chain;
}

// The gradients of the parameters of q or p, one after another.
template <class Module> std::vector<double> gradients_of(const Module& module) {
  std::vector<double> all;
  detail::for_each_parameter(module, [&](const std::string&, const auto& parameter) {
    if (parameter.frozen) return;
    if (!parameter.gradient.received)
      all.resize(all.size() + parameter.value().size());
    else
      all.insert(all.end(), parameter.gradient.value.begin(), parameter.gradient.value.end());
  });
  return all;
}

struct Estimate {
  double value;
  std::vector<double> encoder, decoder;
};

// One estimate of the objective and its gradients from `samples` draws for each of so many copies of an
// image.
Estimate estimate(const Chain& chain, const Objective& wanted, std::size_t images, std::size_t samples,
                  const Noise<double>& noise, double far = 1.5) {
  static Tape<double> tape;
  tape.reset();
  discard_gradients(chain.model);
  const auto x = broadcast(tape.constant(far * normals({1, chain_width}, 3)), {images, chain_width});
  const auto bound = objective(wanted, chain.model.pass({x, {}, samples, paths_of(wanted)}, noise));
  tape.backward(bound);
  Estimate found{bound.value()(), gradients_of(chain.model.q), gradients_of(chain.model.p)};
  const auto decoder = gradients_of(chain.model.decoder);
  found.decoder.insert(found.decoder.end(), decoder.begin(), decoder.end());
  return found;
}
Estimate estimate(const Chain& chain, const Objective& wanted, std::size_t images, std::size_t samples,
                  std::uint64_t seed, double far = 1.5) {
  Rng rng{seed, 0, 9};
  return estimate(chain, wanted, images, samples, rng, far);
}

// Both of the same size, and every pair within a tolerance relative to the larger scale of the two.
void check_equal(const std::vector<double>& a, const std::vector<double>& b, double tolerance = 1e-9) {
  REQUIRE(a.size() == b.size());
  double scale = 1;
  for (const double value : b) scale = std::max(scale, std::abs(value));
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(std::abs(a[i] - b[i]) <= tolerance * scale);
}

// Columns of `draws` have mean 0 within 4 standard errors, which are not 0.
void check_unbiased(const std::vector<std::vector<double>>& draws) {
  for (std::size_t i = 0; i < draws[0].size(); ++i) {
    std::vector<double> column;
    for (const auto& draw : draws) column.push_back(draw[i]);
    const auto [mean, error] = mean_and_error(column);
    INFO("parameter " << i << ": " << mean << " ± " << error);
    CHECK(std::abs(mean) < 4 * error + 1e-12);
  }
}

std::vector<double> difference(std::vector<double> a, const std::vector<double>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] -= b[i];
  return a;
}

// Noise ±√L e_i over the L latents of all layers: 2 L rows.
std::vector<Tensor<double>> sigma_points(const Chain& chain) {
  const auto widths = chain.model.latent();
  const std::size_t total = std::accumulate(widths.begin(), widths.end(), std::size_t{0});
  std::vector<Tensor<double>> noise;
  std::size_t first = 0;
  for (const std::size_t width : widths) {
    Tensor<double> layer = xt::zeros<double>({2 * total, width});
    for (std::size_t i = 0; i < width; ++i)
      for (const std::size_t sign : {0, 1})
        layer(2 * (first + i) + sign, i) = (sign ? -1 : 1) * std::sqrt(static_cast<double>(total));
    noise.push_back(layer);
    first += width;
  }
  return noise;
}

double variance_sum(const std::vector<std::vector<double>>& draws) {
  double sum = 0;
  for (std::size_t i = 0; i < draws[0].size(); ++i) {
    double mean = 0, square = 0;
    for (const auto& draw : draws) mean += draw[i] / static_cast<double>(draws.size());
    for (const auto& draw : draws) square += (draw[i] - mean) * (draw[i] - mean);
    sum += square / static_cast<double>(draws.size() - 1);
  }
  return sum;
}

}  // namespace

TEST_CASE("At the exact posterior sticking the landing leaves no gradient of q in any single draw") {
  for (const std::size_t layers : {1, 2, 3})
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      const auto chain = make_chain(layers, PosteriorKind::full);
      INFO(layers << " layers");
      for (const Objective& wanted : {Objective(StickingTheLanding{}), Objective(Dreg{})})
        for (const double slope : estimate(chain, wanted, 1, 1, seed).encoder) CHECK(std::abs(slope) < 1e-9);
      double largest = 0;  // which the plain estimator does
      for (const double slope : estimate(chain, Iwae{}, 1, 1, seed).encoder)
        largest = std::max(largest, std::abs(slope));
      CHECK(largest > 1e-3);
    }
}

TEST_CASE("The mean of sticking the landing is the exact gradient of the ELBO") {
  for (const std::size_t layers : {1, 2, 3})
    for (const auto covariance : {PosteriorKind::normal, PosteriorKind::full}) {
      const auto chain = inexact_chain(layers, covariance, false);
      const auto points = sigma_points(chain);
      const auto exact = estimate(chain, Iwae{}, points[0].shape(0), 1, Noise<double>::given(points));
      std::vector<std::vector<double>> encoder, decoder;
      for (std::uint64_t seed = 0; seed < 100; ++seed) {
        const auto drawn = estimate(chain, StickingTheLanding{}, 1, 1000, seed);
        encoder.push_back(difference(drawn.encoder, exact.encoder));
        decoder.push_back(difference(drawn.decoder, exact.decoder));
      }
      INFO(layers << " layers");
      check_unbiased(encoder);
      check_unbiased(decoder);
    }
}

TEST_CASE("The mean of DReG is the gradient of the importance-weighted bound, with any beta") {
  for (const std::size_t layers : {1, 2, 3})
    for (const double beta : {1.0, 0.6}) {
      const auto chain = inexact_chain(layers, layers == 2 ? PosteriorKind::full : PosteriorKind::normal);
      std::vector<std::vector<double>> encoder;
      for (std::uint64_t seed = 0; seed < 100; ++seed) {
        const auto drawn = estimate(chain, Dreg{beta}, 250, 4, seed),
                   plain = estimate(chain, Iwae{beta}, 250, 4, seed);
        CHECK(drawn.value == Approx(plain.value).epsilon(1e-12));
        check_equal(drawn.decoder, plain.decoder);
        encoder.push_back(difference(drawn.encoder, plain.encoder));
      }
      INFO(layers << " layers, beta " << beta);
      check_unbiased(encoder);
      CHECK(variance_sum(encoder) > 1e-6);  // another estimator, not the same
    }
}

TEST_CASE("With 64 draws DReG's gradient of q varies far less than the plain one") {
  for (const std::size_t layers : {1, 2, 3}) {
    const auto chain = inexact_chain(layers, PosteriorKind::normal);
    std::vector<std::vector<double>> dreg, plain;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
      dreg.push_back(estimate(chain, Dreg{}, 1, 64, seed).encoder);
      plain.push_back(estimate(chain, Iwae{}, 1, 64, seed).encoder);
    }
    const double small = variance_sum(dreg), large = variance_sum(plain);
    INFO(layers << " layers: total variance " << small << ", of the plain estimator " << large);
    CHECK(small < large / 3);
  }
}

TEST_CASE("With one draw DReG is sticking the landing, with any beta") {
  for (const double beta : {1.0, 0.5}) {
    const auto chain = inexact_chain(3, PosteriorKind::full);
    const auto one = estimate(chain, Dreg{beta}, 5, 1, 1),
               other = estimate(chain, StickingTheLanding{beta}, 5, 1, 1);
    check_equal(one.encoder, other.encoder);
    check_equal(one.decoder, other.decoder);
    CHECK(one.value == Approx(other.value));
  }
}

TEST_CASE(
    "MIWAE, PIWAE and CIWAE have the gradients of their parts, and at their ends those of IWAE and ELBO") {
  const auto chain = inexact_chain(3, PosteriorKind::normal);
  const auto at = [&](const Objective& wanted, std::size_t images = 4, std::size_t samples = 6) {
    return estimate(chain, wanted, images, samples, 1);
  };
  const auto check_same = [](const Estimate& a, const Estimate& b) {
    CHECK(a.value == Approx(b.value));
    check_equal(a.encoder, b.encoder);
    check_equal(a.decoder, b.decoder);
  };
  const auto iwae = at(Iwae{}), elbo = at(Iwae{}, 24, 1);  // the same rows, each for itself
  check_same(at(Miwae{1}), iwae);
  check_same(at(Miwae{2}), at(Iwae{}, 8, 3));
  check_same(at(Miwae{6}), elbo);
  check_same(at(Ciwae{0}), iwae);
  check_same(at(Ciwae{1}), elbo);
  check_same(at(Piwae{1}), iwae);
  for (const std::size_t groups : {2, 6}) {
    const auto drawn = at(Piwae{groups});
    CHECK(drawn.value == Approx(iwae.value));
    check_equal(drawn.decoder, iwae.decoder);
    check_equal(drawn.encoder, at(Miwae{groups}).encoder);
  }
  const auto half = at(Ciwae{0.25});
  CHECK(half.value == Approx(0.25 * elbo.value + 0.75 * iwae.value));
  for (std::size_t i = 0; i < half.encoder.size(); ++i)
    CHECK(half.encoder[i] == Approx(0.25 * elbo.encoder[i] + 0.75 * iwae.encoder[i]).margin(1e-9));
}

TEST_CASE("PIWAE's gradients hold where the weights of most groups vanish") {
  const auto chain = inexact_chain(2, PosteriorKind::normal, false);
  const auto drawn = estimate(chain, Piwae{3}, 2, 6, 1, 1e4), plain = estimate(chain, Iwae{}, 2, 6, 1, 1e4);
  check_equal(drawn.decoder, plain.decoder);
  check_equal(drawn.encoder, estimate(chain, Miwae{3}, 2, 6, 1, 1e4).encoder);
}

TEST_CASE("An objective refuses a pass that does not give what it needs") {
  const auto chain = make_chain(2, PosteriorKind::normal);
  Tape<double> tape;
  Rng rng{1};
  const auto pass = chain.model.pass({tape.constant(normals({2, chain_width}, 3)), {}, 5}, rng);
  for (const Objective& wanted : {Objective(StickingTheLanding{}), Objective(Dreg{}), Objective(Piwae{})})
    CHECK_THROWS_WITH(objective(wanted, pass),
                      Catch::Matchers::Contains("the pass does not split its paths; set Given::paths"));
  CHECK_THROWS_WITH(objective(Miwae{2}, pass), "[Miwae] 5 draws do not make 2 groups of one size");
}

TEST_CASE(
    "An objective drawn to a capacity rises with the KL below it, and falls with gamma times it above") {
  const auto chain = inexact_chain(2, PosteriorKind::normal);
  Rng rng{1};
  Tape<double> tape;
  const auto pass = chain.model.pass({tape.constant(normals({5, chain_width}, 3)), {}, 2}, rng);
  const double kl = xt::mean(pass.log_likelihood.value() - pass.elbo().value())();
  const auto gradients = [&](const auto& wanted) {
    discard_gradients(chain.model);
    const auto y = objective(wanted, pass);
    tape.backward(y);
    auto all = gradients_of(chain.model.q);
    const auto decoder = gradients_of(chain.model.decoder);
    all.insert(all.end(), decoder.begin(), decoder.end());
    return std::pair(y.value()(), all);
  };
  const double likelihood = xt::mean(pass.log_likelihood.value())();
  const auto above = gradients(Capacity{7, kl - 0.5}), below = gradients(Capacity{7, kl + 0.25});
  CHECK(above.first == Approx(likelihood - 7 * 0.5));
  CHECK(below.first == Approx(likelihood - 7 * 0.25));
  check_equal(above.second, gradients(Elbo{7}).second);
  auto sum = above.second, twice = gradients(Elbo{0}).second;  // of −7 KL and 7 KL, and the likelihood's
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += below.second[i], twice[i] *= 2;
  check_equal(sum, twice);
  CHECK(with_beta_times(Capacity{7, 20}, 0.25).capacity == 5);
  CHECK_THROWS_WITH(objective(Capacity{-1, 2}, pass), Catch::Matchers::Contains("gamma is -1"));
}
