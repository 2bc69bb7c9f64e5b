// Models whose ln p(x) is known: probabilistic PCA, p(x | z) = N(W z + b, σ² I), p(z) = N(0, I), with the
// exact posterior N(Λ⁻¹ Wᵀ (x − b) / σ², Λ⁻¹), Λ = I + Wᵀ W / σ² (Tipping and Bishop 1999).
#include <algorithm>
#include <catch2/catch.hpp>
#include <xtensor-blas/xlinalg.hpp>

#include "strata/autograd/elementwise.hpp"
#include "strata/autograd/linear_algebra.hpp"
#include "strata/autograd/probability.hpp"
#include "strata/autograd/reduce.hpp"
#include "strata/tests/vae/linear_decoder.hpp"
#include "strata/tests/vae/models/linear_chain.hpp"
#include "strata/vae/objective.hpp"

using namespace strata;
using tests::dot;
using tests::normals;
using tests::transposed;

namespace {

constexpr std::size_t rows = 5, data = 6, latent = 3;
constexpr double variance = 0.3;

// ln N(x; b, Wᵀ W + σ² I) for W (L, D), one number for each row of x
Tensor<double> exact_log_likelihood(const Tensor<double>& x, const Tensor<double>& w,
                                    const Tensor<double>& b) {
  return tests::normal_log_likelihood(x, b, dot(transposed(w), w) + variance * xt::eye<double>(data));
}

// The 2 L points ±√L e_i: the mean of any quadratic over them is its mean under N(0, I).
std::vector<Tensor<double>> sigma_points() {
  std::vector<Tensor<double>> points;
  for (std::size_t i = 0; i < latent; ++i)
    for (const double sign : {-1.0, 1.0}) {
      Tensor<double> epsilon = xt::zeros<double>({rows, latent});
      xt::view(epsilon, xt::all(), i) = sign * std::sqrt(static_cast<double>(latent));
      points.push_back(epsilon);
    }
  return points;
}

}  // namespace

TEST_CASE("With the exact diagonal posterior the VAE's ELBO is ln p(x), and so is every sample's weight") {
  Rng rng{1};
  Vae<double> vae({.data = data,
                   .hidden = {},
                   .latent = {latent},
                   .likelihood = Likelihood::normal,
                   .noise_variance = variance},
                  rng);
  const auto decoder = tests::orthogonal_decoder({2, 1, 0.5}, data, variance);
  vae.decoder = decoder;
  auto& encoder = std::get<NormalHead<double>>(vae.q[0]);
  const Tensor<double>&w = decoder.output.weight.value(), &b = decoder.output.bias.value();
  const Tensor<double> precision = tests::posterior_precision(decoder, variance);
  encoder.mean.weight.write() = transposed(w) / (precision * variance);
  encoder.mean.bias.write() = -dot(b, encoder.mean.weight.value());
  encoder.scale.weight.write().fill(0);
  encoder.scale.bias.write() = -xt::log(precision);

  const Tensor<double> x = 2.0 * normals({rows, data}, 4);
  const Tensor<double> exact = exact_log_likelihood(x, w, b);
  Tensor<double> elbo = xt::zeros<double>({rows});
  for (const auto& epsilon : sigma_points()) {
    Tape<double> tape;
    elbo += vae.pass({tape.constant(x)}, Noise<double>::given({epsilon})).elbo().value() / (2.0 * latent);
  }
  CHECK(xt::allclose(elbo, exact, 1e-10, 0));

  Tape<double> tape;
  const auto weight = vae.pass({tape.constant(x)}, rng).log_weight();
  CHECK(xt::allclose(weight.value(), exact, 1e-10, 0));
}

TEST_CASE("The best linear posterior of a weighted KL has the precision I + W Wᵀ / (β σ²)") {
  for (const double beta : {1.0, 4.0, 0.3}) {
    Rng rng{1};
    Vae<double> vae({.data = data,
                     .hidden = {},
                     .latent = {latent},
                     .likelihood = Likelihood::normal,
                     .noise_variance = variance,
                     .top_posterior = PosteriorKind::full},
                    rng);
    auto& decoder = std::get<HomoscedasticHead<double>>(vae.decoder).output;
    const Tensor<double> w = normals({latent, data}, 7), b = normals({data}, 8);
    decoder.weight.write() = w;
    decoder.bias.write() = b;
    const Tensor<double> covariance =
        xt::linalg::inv(xt::eye<double>(latent) + dot(w, transposed(w)) / (beta * variance));
    const Tensor<double> gain = dot(transposed(w), covariance) / (beta * variance);
    const Tensor<double> c = xt::linalg::cholesky(covariance);
    auto& q = std::get<FullNormalHead<double>>(vae.q[0]);
    q.diagonal.mean.weight.write() = gain;
    q.diagonal.mean.bias.write() = -dot(b, gain);
    q.diagonal.scale.weight.write().fill(0);
    q.diagonal.scale.bias.write() = 2.0 * xt::log(xt::diagonal(c));
    q.lower.weight.write().fill(0);
    std::size_t entry = 0;
    for (std::size_t i = 1; i < latent; ++i)
      for (std::size_t j = 0; j < i; ++j) q.lower.bias.write()(entry++) = c(i, j);
    const auto slope = [&](const auto& wanted) {  // of q, exactly: its terms are quadratics of z
      discard_gradients(vae);
      for (const auto& epsilon : sigma_points()) {
        Tape<double> tape;
        const auto x = tape.constant(2.0 * normals({rows, data}, 9));
        tape.backward(objective(wanted, vae.pass({x}, Noise<double>::given({epsilon}))));
      }
      double largest = 0;
      for (const auto& [name, parameter] : parameters<double>(q))
        largest = std::max(largest, xt::amax(xt::abs(parameter->gradient.value))());
      return largest;
    };
    CHECK(slope(Elbo{beta}) < 1e-9);
    CHECK(slope(Elbo{1.1 * beta}) > 1e-3);
  }
}

TEST_CASE("With the exact full-covariance posterior the ELBO is ln p(x)") {
  const Tensor<double> w = normals({latent, data}, 7), b = normals({data}, 8),
                       x = 2.0 * normals({rows, data}, 9);
  const Tensor<double> covariance =
      xt::linalg::inv(xt::eye<double>(latent) + dot(w, transposed(w)) / variance);
  const Tensor<double> cholesky = xt::linalg::cholesky(covariance);
  const Tensor<double> gain = dot(transposed(w), covariance) / variance;

  Rng rng;
  HomoscedasticHead<double> decoder(latent, {}, data, {}, rng, Variance::fixed, variance);
  decoder.output.weight.write() = w;
  decoder.output.bias.write() = b;
  Tape<double> tape;
  const auto v = tape.constant(x);
  const auto mean = matmul(v - tape.constant(b), tape.constant(gain));
  Tensor<double> reconstruction = xt::zeros<double>({rows});
  for (const auto& epsilon : sigma_points()) {
    const auto z = mean + matmul(tape.constant(epsilon), tape.constant(transposed(cholesky)));
    reconstruction += log_prob(decoder(z), v).value() / (2.0 * latent);
  }
  // KL = ½ (‖L‖² + ‖μ‖² − d − 2 Σ ln L_ii)
  const Tensor<double> kl =
      0.5 * (xt::sum(cholesky * cholesky)() + xt::sum(mean.value() * mean.value(), {1}) -
             static_cast<double>(latent) - 2.0 * xt::sum(xt::log(xt::diagonal(cholesky)))());
  CHECK(xt::allclose(reconstruction - kl, exact_log_likelihood(x, w, b), 1e-10, 0));
}

TEST_CASE("Closed-form KLs are E_q[ln q − ln p]") {
  // Sums over the sigma points are exact: both densities are quadratics of z.
  Tape<double> tape;
  const auto mean_over_draws = [&](const auto& q, const auto& p) {
    Tensor<double> total = xt::zeros<double>({rows});
    for (const auto& points : sigma_points()) {
      const auto [z, log_q] = sample_and_log_prob(q, Noise<double>::given({points}));
      total += (log_q.value() - log_prob(p, z).value()) / (2.0 * latent);
    }
    return total;
  };
  const auto variable = [&](std::size_t width, std::uint64_t seed) {
    return tape.constant(0.7 * normals({rows, width}, seed));
  };
  const Normal<double> diagonal{variable(latent, 1), variable(latent, 2)};
  const FullNormal<double> full{variable(latent, 1), variable(latent, 2),
                                variable(latent * (latent - 1) / 2, 3)};
  const Normal<double> p{variable(latent, 4), variable(latent, 5)};
  CHECK(
      xt::allclose(kl(diagonal, standard_normal).value(), mean_over_draws(diagonal, standard_normal), 1e-12));
  CHECK(xt::allclose(kl(full, standard_normal).value(), mean_over_draws(full, standard_normal), 1e-12));
  CHECK(xt::allclose(kl(diagonal, p).value(), mean_over_draws(diagonal, p), 1e-12));
}

TEST_CASE("A learned noise variance settles at the mean squared error") {
  // ln N(x; m, s) over n numbers is largest at e^s = mean (x − m)²: there its derivative vanishes.
  const Tensor<double> x = normals({rows, data}, 1), m = normals({rows, data}, 2);
  Tape<double> tape;
  const double error = xt::mean(xt::square(x - m))();
  const auto s = tape.variable({std::log(error)});
  tape.backward(sum(normal_log_density(tape.constant(x), tape.constant(m), s)));
  CHECK(s.grad()(0) == Approx(0).margin(1e-12));
}
