#include "strata/vae/annealing.hpp"

#include <cmath>

namespace strata {
namespace {

using Matrix = Tensor<double>;

constexpr double smallest_step = 1e-5, largest_step = 2;

}  // namespace

// C states with what is known of them: a row each.
struct Annealing::Chains {
  Matrix epsilon, value, gradient;  // (C, L), ln w (C), ∂ ln w/∂ε (C, L)
  double accepted = 0;              // the mean acceptance of the last move

  // ln N(ε; 0, I) w(ε)^β without its constant
  double log_density(std::size_t chain, double beta) const {
    double squares = 0;
    for (std::size_t i = 0; i < epsilon.shape(1); ++i) squares += epsilon(chain, i) * epsilon(chain, i);
    return (beta == 0 ? 0 : beta * value(chain)) - squares / 2;
  }
};

// (s(4 (2 n/N − 1)) − s(−4)) / (s(4) − s(−4)) with s the logistic sigmoid
double Annealing::beta(double place) const {
  const auto s = [](double x) { return 1 / (1 + std::exp(-x)); };
  return (s(8 * place - 4) - s(-4)) / (s(4) - s(-4));
}

Annealing::Annealing(LogWeight log_weight, const AnnealingOptions& options, Rng& rng)
    : log_weight_(std::move(log_weight)), options_(options) {
  const std::size_t n = options.temperatures;
  if (n == 0 || options.chains == 0 || options.leapfrog_steps == 0)
    fail("Annealing", "needs at least one temperature, one chain and one leapfrog step");
  if (!(options.acceptance > 0 && options.acceptance < 1))
    fail("Annealing", "the acceptance is " + std::to_string(options.acceptance) + "; it must lie in (0, 1)");
  constexpr std::size_t stride = 4, at_first = 20;
  constexpr double rate = 0.3;
  Chains chains{Matrix(Shape{options.chains, log_weight_.width()}), {}, {}};
  fill_normal(rng, chains.epsilon);
  log_weight_(chains.epsilon, chains.value, &chains.gradient);
  double step = 0.5, sum = 0;
  const auto adapt = [&](double at) {
    move(chains, at, step, rng);
    step = std::clamp(step * std::exp(rate * (chains.accepted - options.acceptance)), smallest_step,
                      largest_step);
  };
  for (std::size_t i = 0; i < at_first; ++i) adapt(0);
  for (std::size_t i = 0; i < n; ++i) {
    if (i % stride == 0) {
      adapt(beta(static_cast<double>(i) / static_cast<double>(n)));
      sum += chains.accepted;
    }
    steps_.push_back(step);
  }
  acceptance_ = sum / static_cast<double>((n + stride - 1) / stride);
}

// Momenta p ~ N(0, I); leapfrog steps of ε' = p, p' = ∂ ln π/∂ε; accepted with probability
// min(1, e^(H before − H after)), H = ½ |p|² − ln π(ε).
void Annealing::move(Chains& chains, double beta, double step, Rng& rng) const {
  const std::size_t count = chains.epsilon.shape(0), width = chains.epsilon.shape(1);
  Matrix p(chains.epsilon.shape()), uniform(Shape{count});
  fill_normal(rng, p);
  fill_uniform(rng, uniform);
  Chains to = chains;
  const auto kick = [&](double by) { p += by * (beta * to.gradient - to.epsilon); };
  const auto energy = [&](const Chains& at, std::size_t chain) {
    double squares = 0;
    for (std::size_t i = 0; i < width; ++i) squares += p(chain, i) * p(chain, i);
    return squares / 2 - at.log_density(chain, beta);
  };
  std::vector<double> before(count);
  for (std::size_t chain = 0; chain < count; ++chain) before[chain] = energy(chains, chain);
  kick(step / 2);
  for (std::size_t k = 0; k < options_.leapfrog_steps; ++k) {
    to.epsilon += step * p;
    log_weight_(to.epsilon, to.value, &to.gradient);
    kick(k + 1 < options_.leapfrog_steps ? step : step / 2);
  }
  chains.accepted = 0;
  for (std::size_t chain = 0; chain < count; ++chain) {
    const double change = before[chain] - energy(to, chain);
    const double probability = std::isnan(change) ? 0 : std::min(1.0, std::exp(change));
    chains.accepted += probability / static_cast<double>(count);
    if (!(uniform(chain) < probability)) continue;
    std::copy_n(&to.epsilon(chain, 0), width, &chains.epsilon(chain, 0));
    std::copy_n(&to.gradient(chain, 0), width, &chains.gradient(chain, 0));
    chains.value(chain) = to.value(chain);
  }
}

LikelihoodEstimate Annealing::forward(Rng& rng) const {
  const auto n = static_cast<double>(options_.temperatures);
  Chains chains{Matrix(Shape{options_.chains, log_weight_.width()}), {}, {}};
  fill_normal(rng, chains.epsilon);
  log_weight_(chains.epsilon, chains.value, &chains.gradient);
  Matrix log_weights = beta(1 / n) * chains.value;
  for (std::size_t i = 1; i < options_.temperatures; ++i) {
    const double at = beta(static_cast<double>(i) / n), next = beta(static_cast<double>(i + 1) / n);
    move(chains, at, steps_[i], rng);
    log_weights += (next - at) * chains.value;
  }
  detail::WeightSum weights;
  for (const double log_weight : log_weights) weights.add(log_weight);
  return weights.estimate();
}

// The moves in reverse order: each is its own reverse.
double Annealing::upper_bound(const Tensor<double>& exact, Rng& rng) const {
  const auto n = static_cast<double>(options_.temperatures);
  Chains chains{Matrix(Shape{options_.chains, log_weight_.width()}, 0.0), {}, {}};
  chains.epsilon += exact;
  log_weight_(chains.epsilon, chains.value, &chains.gradient);
  Matrix log_weights(Shape{options_.chains}, 0.0);
  for (std::size_t i = options_.temperatures; i-- > 0;) {
    const double at = beta(static_cast<double>(i) / n), next = beta(static_cast<double>(i + 1) / n);
    log_weights += (next - at) * chains.value;
    if (i > 0) move(chains, at, steps_[i], rng);
  }
  detail::WeightSum inverse;
  for (const double log_weight : log_weights) inverse.add(-log_weight);
  return -inverse.estimate().log_likelihood;
}

}  // namespace strata
