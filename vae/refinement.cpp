#include "strata/vae/refinement.hpp"

#include <cmath>
#include <numbers>

#include "strata/autograd/non_finite.hpp"
#include "strata/nn/optimizer.hpp"
#include "strata/tensor/linalg.hpp"

namespace strata {
namespace {

using Matrix = Tensor<double>;

// ε = mean + C η for every row η
void place(const NoiseProposal& proposal, const Matrix& eta, Matrix& epsilon) {
  matmul(eta, Transpose::no, proposal.factor, Transpose::yes, 0.0, epsilon);
  epsilon += proposal.mean;
}

Matrix inverse(const Matrix& lower) {
  const std::size_t n = lower.shape(0);
  Matrix result = xt::eye<double>(n);
  solve_triangular<double>({lower.data(), n, n}, Transpose::no, {result.data(), n, n});
  return result;
}

double square_norm(const double* x, std::size_t n) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += x[i] * x[i];
  return sum;
}

}  // namespace

NoiseProposal fit_proposal(const LogWeight& log_weight, const RefinementOptions& o, Rng& rng) {
  const std::size_t width = log_weight.width(), half = std::max<std::size_t>(1, o.draws / 2), rows = 2 * half;
  // Adam moves every number by its rate, whatever its gradient: the more there are, the smaller its steps.
  constexpr double few = 12;
  const double crowd = std::min(1.0, few / static_cast<double>(width));
  const double below = std::sqrt(crowd);  // the step of C's entries below the diagonal, in that of others
  const double rate = o.learning_rate * std::sqrt(crowd);
  auto proposal = NoiseProposal::standard(width);
  // What Adam moves: the mean, and C with ln C_ii on its diagonal, so that C stays invertible.
  Parameter<double> mean{proposal.mean}, entries{xt::zeros<double>({width, width})};
  Optimizer<double> adam({{"mean", &mean}, {"factor", &entries}}, Adam{}, rate);
  Matrix drawn(Shape{half, width}), eta(Shape{rows, width}), epsilon, value, gradient, by_entry;
  for (std::size_t step = 0; step < o.steps; ++step) {
    fill_normal(rng, drawn);
    xt::view(eta, xt::range(0, half)) = drawn;
    xt::view(eta, xt::range(half, rows)) = -drawn;
    place(proposal, eta, epsilon);
    log_weight(epsilon, value, &gradient);
    // of ln w + ln N(ε; 0, I) − ln N(ε; mean, C Cᵀ) with respect to ε: ∇ ln w − ε + C⁻ᵀ η
    gradient -= epsilon;
    matmul(eta, Transpose::no, inverse(proposal.factor), Transpose::no, 1.0, gradient);
    gradient /= -static_cast<double>(rows);  // of the mean over rows, to be minimised
    matmul(gradient, Transpose::yes, eta, Transpose::no, 0.0, by_entry);
    mean.gradient = {xt::sum(gradient, {0}), true};
    for (std::size_t i = 0; i < width; ++i) {
      by_entry(i, i) *= proposal.factor(i, i);
      std::fill_n(&by_entry(i, i) + 1, width - i - 1, 0.0);
    }
    entries.gradient = {by_entry, true};
    adam.learning_rate =
        rate * 0.5 *
        (1 + std::cos(std::numbers::pi * static_cast<double>(step) / static_cast<double>(o.steps)));
    adam.step();
    proposal.mean = mean.value();
    proposal.factor = below * entries.value();
    for (std::size_t i = 0; i < width; ++i) proposal.factor(i, i) = std::exp(entries.value()(i, i));
  }
  return proposal;
}

// Every fifth draw is from a normal of wider deviations, and weights are those of the mixture of both.
LikelihoodEstimate sample_proposal(const LogWeight& log_weight, const NoiseProposal& proposal,
                                   const RefinementOptions& o, Rng& rng) {
  constexpr std::size_t together = 512, every = 5;
  if (o.samples == 0) fail("sample_proposal", "needs at least one sample");
  if (!(o.widening > 0 && o.wide > 0))
    fail("sample_proposal", "widening is " + std::to_string(o.widening) + ", wide is " +
                                std::to_string(o.wide) + "; deviations must be above 0");
  const std::size_t width = log_weight.width();
  const auto dimensions = static_cast<double>(width);
  double log_volume = 0;  // ln |C|
  for (std::size_t i = 0; i < width; ++i) log_volume += std::log(proposal.factor(i, i));
  const double share = 1 / static_cast<double>(every);
  const auto log_density = [&](double squares, double scale) {  // ln N(η; 0, scale² I) + ½ L ln 2π
    return -squares / (2 * scale * scale) - dimensions * std::log(scale);
  };
  detail::WeightSum weights(o.counts);
  Matrix eta, epsilon, value;
  for (std::size_t first = 0; first < o.samples; first += together) {
    const std::size_t rows = std::min(together, o.samples - first);
    eta.resize({rows, width});
    fill_normal(rng, eta);
    for (std::size_t row = 0; row < rows; ++row)
      xt::view(eta, row) *= (first + row) % every == every - 1 ? o.wide : o.widening;
    place(proposal, eta, epsilon);
    log_weight(epsilon, value);
    for (std::size_t row = 0; row < rows; ++row) {  // ln w + ln N(ε; 0, I) − ln q(ε)
      const double squares = square_norm(&eta(row, 0), width);
      const double narrow = std::log(1 - share) + log_density(squares, o.widening);
      const double wide = std::log(share) + log_density(squares, o.wide);
      const double log_q =
          std::max(narrow, wide) + std::log1p(std::exp(-std::abs(narrow - wide))) - log_volume;
      weights.add(value(row) - square_norm(&epsilon(row, 0), width) / 2 - log_q);
    }
  }
  return weights.estimate();
}

RefinedEstimate estimate_refined(const LogWeight& log_weight, RefinementOptions options, Rng& rng) {
  try {
    const auto proposal = fit_proposal(log_weight, options, rng);
    return {sample_proposal(log_weight, proposal, options, rng), true};
  } catch (const NonFinite&) {
    options.widening = options.wide = 1;
    return {sample_proposal(log_weight, NoiseProposal::standard(log_weight.width()), options, rng), false};
  }
}

}  // namespace strata
