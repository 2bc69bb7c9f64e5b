// Logistic regression: a loss, a tape, an optimizer.
//
// Prints:
//   true weights   2.00 -1.00  0.50
//   found weights  2.00 -1.00  0.50, each within 0.1
//   accuracy above 0.75
#include <cmath>
#include <cstdio>
#include <strata/autograd/operations.hpp>
#include <strata/nn/linear.hpp>
#include <strata/nn/optimizer.hpp>

using namespace strata;

int main() {
  constexpr std::size_t rows = 20'000;
  const Tensor<float> truth = {2.0f, -1.0f, 0.5f};
  Rng rng{1};
  Tensor<float> x(Shape{rows, 3}), y(Shape{rows, 1});  // y ~ Bernoulli(σ(x w))
  fill_normal(rng, x);
  for (std::size_t i = 0; i < rows; ++i) {
    float logit = 0;
    for (std::size_t j = 0; j < 3; ++j) logit += x(i, j) * truth(j);
    y(i, 0) = 1 / (1 + std::exp(-logit));
  }
  fill_bernoulli(rng, Tensor<float>(y), y);

  Linear<float> model(3, 1, Init::zero, rng);
  Optimizer<float> adam(parameters(model), Adam{}, 0.1);
  Tape<float> tape;
  for (int step = 0; step < 200; ++step) {
    tape.reset();
    const auto logits = model(tape.constant(x));                            // (rows, 1)
    tape.backward(-mean(bernoulli_log_density(tape.constant(y), logits)));  // cross-entropy
    adam.step();
  }

  const auto& w = model.weight.value();
  bool close = true;
  for (std::size_t j = 0; j < 3; ++j) close = close && std::abs(w(j, 0) - truth(j)) < 0.1f;
  std::printf("true weights   2.00 -1.00  0.50\n");
  if (close) std::printf("found weights  2.00 -1.00  0.50, each within 0.1\n");
  std::size_t right = 0;
  tape.reset();
  const auto logits = model(tape.constant(x));
  for (std::size_t i = 0; i < rows; ++i) right += (logits.value()(i, 0) > 0) == (y(i, 0) > 0.5f);
  if (right > rows * 3 / 4) std::printf("accuracy above 0.75\n");
}
