// A classifier of MNIST's digits: a perceptron, cross-entropy, mini-batches. Reads the folder
// STRATA_MNIST_DIR.
//
// Prints:
//   epoch 1: test accuracy above 94 %
//   epoch 2: test accuracy above 95 %
#include <cstdio>
#include <strata/autograd/operations.hpp>
#include <strata/nn/mlp.hpp>
#include <strata/nn/optimizer.hpp>

#include "mnist.hpp"

using namespace strata;

template <class T> struct Classifier {
  Mlp<T> body;
  Linear<T> output;

  explicit Classifier(Rng& rng)
      : body(784, {200, 100}, {.activation = Activation::relu, .init = Init::he}, rng),
        output(100, 10, Init::glorot, rng) {}

  Var<T> operator()(Var<T> x) const { return log_softmax(output(body(x))); }  // (B, 10), ln p(label | x)

  static void fields(auto& self, auto&& visit) {
    visit("body", self.body);
    visit("output", self.output);
  }
};

int main() {
  const Dataset train = read_mnist("train"), test = read_mnist("t10k");

  Rng rng{1};
  Classifier<float> model(rng);
  Optimizer<float> adam(parameters(model), Adam{}, 1e-3);
  Tape<float> tape;
  Batch<float> batch;  // x (B, 784) in [0, 1], condition (B, 10): the labels as unit vectors
  std::vector<std::size_t> order;
  for (int epoch = 1; epoch <= 2; ++epoch) {
    permute(rng, train.size(), order);
    for (std::size_t first = 0; first + 100 <= train.size(); first += 100) {
      gather(train, std::span(order).subspan(first, 100), Binarize::none, rng, batch);
      tape.reset();
      const auto given = batch.on(tape);
      tape.backward(-mean(sum(given.condition * model(given.x), {1})));
      adam.step();
    }
    std::size_t right = 0;
    const auto all = first_examples<float>(test, test.size(), Binarize::none, rng);
    tape.reset();
    const auto guesses = argmax(model(all.on(tape).x));
    for (std::size_t i = 0; i < test.size(); ++i) right += guesses[i] == (*test.labels)(i);
    const double percent = 100.0 * static_cast<double>(right) / static_cast<double>(test.size());
    if (percent > 93 + epoch) std::printf("epoch %d: test accuracy above %d %%\n", epoch, 93 + epoch);
  }
}
