// The distribution that docs/model.md prints, as a posterior.
#include <cmath>
#include <cstdio>
#include <strata/autograd/operations.hpp>
#include <strata/vae/objective.hpp>
#include <strata/vae/single_layer.hpp>

using namespace strata;

#include "logistic.hpp"

int main() {
  Tape<double> tape;
  const std::size_t count = 200'000;
  const auto q = [&](std::size_t rows) {  // of mean 1/2 and scale 2: its variance is 4 π²/3
    return Logistic<double>{tape.variable(Tensor<double>(Shape{rows, 1}, 0.5)),
                            tape.variable(Tensor<double>(Shape{rows, 1}, std::log(2.0)))};
  };
  Tensor<double> place = xt::linspace(-99.5, 100.5, count + 1);
  place.reshape({count + 1, 1});
  const double mass = xt::sum(xt::exp(log_prob(q(count + 1), tape.constant(place)).value()))() * 200 / count;
  Rng rng{1};
  const Tensor<double> draws = sample(q(count), rng).value();

  // One gradient, by the draw's density and with its parameters stopped, whose difference has mean 0.
  const auto gradient = [&](const auto& objective_options, Paths paths) {
    Rng noise{2};
    tape.reset();
    const auto posterior = q(1000);
    const auto decoder = [](Var<double> z, Context) { return Bernoulli<double>{z}; };
    const Given<double> given{tape.constant(Tensor<double>(Shape{1000, 1}, 1.0)), {}, 20, paths};
    tape.backward(objective(objective_options, single_layer_pass(given, posterior, decoder, standard_normal,
                                                                 Noise<double>(noise))));
    return xt::sum(posterior.location.grad())();
  };
  const double joint = gradient(Elbo{}, Paths::joint),
               stopped = gradient(StickingTheLanding{}, Paths::stopped);
  std::printf("mass %.3f, mean %.2f, variance %.0f, the estimators %s\n", mass, xt::mean(draws)(),
              xt::variance(draws)(), std::abs(joint - stopped) < 0.02 * std::abs(joint) ? "agree" : "differ");
}
