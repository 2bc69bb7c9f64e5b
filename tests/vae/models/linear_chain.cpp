#include "strata/tests/vae/models/linear_chain.hpp"

#include <numbers>
#include <xtensor-blas/xlinalg.hpp>

namespace strata::tests {

Matrix dot(const Matrix& a, const Matrix& b) { return xt::linalg::dot(a, b); }
Matrix transposed(const Matrix& a) { return xt::transpose(a); }

NormalHead<double>& diagonal(PosteriorHead<double>& posterior) {
  if (auto* full = std::get_if<FullNormalHead<double>>(&posterior)) return full->diagonal;
  return std::get<NormalHead<double>>(posterior);
}

namespace {

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

// The network's covariance becomes `covariance`, or its diagonal part as the conditional variances where C is
// diagonal.
void set_covariance(PosteriorHead<double>& posterior, const Matrix& covariance) {
  diagonal(posterior).scale.weight.write().fill(0);
  auto* full = std::get_if<FullNormalHead<double>>(&posterior);
  if (full == nullptr) {
    diagonal(posterior).scale.bias.write() = xt::log(xt::diagonal(covariance));
    return;
  }
  const Matrix c = xt::linalg::cholesky(covariance);
  full->diagonal.scale.bias.write() = 2.0 * xt::log(xt::diagonal(c));
  full->lower.weight.write().fill(0);
  std::size_t entry = 0;
  for (std::size_t i = 1; i < c.shape(0); ++i)
    for (std::size_t j = 0; j < i; ++j) full->lower.bias.write()(entry++) = c(i, j);
}

}  // namespace

Chain make_chain(std::size_t layers, PosteriorKind covariance, double inflation) {
  Rng rng{layers};
  std::vector<std::size_t> widths = {4, 3, 3, 2, 2};
  widths.resize(layers);
  Chain chain{Vae<double>({.data = chain_width,
                           .hidden = {},
                           .latent = widths,
                           .upper_hidden = {},
                           .likelihood = Likelihood::normal,
                           .noise_variance = chain_noise,
                           .posterior = covariance,
                           .top_posterior = covariance},
                          rng),
              {},
              {}};
  // Downwards: the marginal N(m_t, S_t) of every z_t.
  std::vector<Matrix> means(layers), marginals(layers);
  means[layers - 1] = xt::zeros<double>({std::size_t{1}, widths[layers - 1]});
  marginals[layers - 1] = xt::eye<double>(widths[layers - 1]);
  for (std::size_t t = layers - 1; t-- > 0;) {
    auto& p = chain.model.p[t];
    p.mean.weight.write() = 0.7 * normals({widths[t + 1], widths[t]}, 10 + t);
    p.mean.bias.write() = normals({widths[t]}, 20 + t);
    p.scale.weight.write().fill(0);
    p.scale.bias.write() = 0.5 * normals({widths[t]}, 30 + t) - 1.0;
    const Matrix& a = p.mean.weight.value();
    const Matrix r = xt::diag(Matrix(xt::exp(p.scale.bias.value())));
    means[t] = dot(means[t + 1], a) + p.mean.bias.value();
    marginals[t] = dot(transposed(a), dot(marginals[t + 1], a)) + r;
    const auto exact = posterior(marginals[t + 1], a, r);  // q(z_{t+1} | z_t)
    auto& q = diagonal(chain.model.q[t + 1]);
    q.mean.weight.write() = exact.gain;
    q.mean.bias.write() = xt::view(means[t + 1] - dot(means[t], exact.gain), 0, xt::all());
    set_covariance(chain.model.q[t + 1], inflation * exact.covariance);
  }
  auto& decoder = std::get<HomoscedasticHead<double>>(chain.model.decoder).output;
  decoder.weight.write() = normals({widths[0], chain_width}, 1);
  decoder.bias.write() = normals({chain_width}, 2);
  const Matrix r = chain_noise * xt::eye<double>(chain_width);
  const auto exact = posterior(marginals[0], decoder.weight.value(), r);  // q(z_1 | x)
  chain.mean = dot(means[0], decoder.weight.value()) + decoder.bias.value();
  chain.covariance = dot(transposed(decoder.weight.value()), dot(marginals[0], decoder.weight.value())) + r;
  auto& lowest = diagonal(chain.model.q[0]);
  lowest.mean.weight.write() = exact.gain;
  lowest.mean.bias.write() = xt::view(means[0] - dot(chain.mean, exact.gain), 0, xt::all());
  set_covariance(chain.model.q[0], inflation * exact.covariance);
  return chain;
}

Matrix normal_log_likelihood(const Matrix& x, const Matrix& mean, const Matrix& covariance) {
  const Matrix centred = x - mean;
  const Matrix solved = transposed(xt::linalg::solve(covariance, transposed(centred)));
  return -0.5 * (xt::sum(centred * solved, {1}) + std::log(xt::linalg::det(covariance)) +
                 static_cast<double>(x.shape(1)) * std::log(2 * std::numbers::pi));
}

Matrix exact_log_likelihood(const Chain& chain, const Matrix& x) {
  return normal_log_likelihood(x, chain.mean, chain.covariance);
}

}  // namespace strata::tests
