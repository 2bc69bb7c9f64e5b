// Several threads of a program train at once, each with a tape, a model and random numbers of its own.
#include <catch2/catch.hpp>
#include <thread>

#include "strata/autograd/elementwise.hpp"
#include "strata/autograd/reduce.hpp"
#include "strata/nn/mlp.hpp"
#include "strata/nn/optimizer.hpp"
#include "strata/tensor/parallel.hpp"
#include "strata/tensor/random.hpp"

using namespace strata;

namespace {

// The loss after some steps towards y = −x with dropout, all of whose loops and products are large.
float train(std::uint64_t seed, std::size_t threads) {
  const ThreadLimit limit(threads);
  Rng rng{seed};
  Mlp<float> mlp(100, {200, 100}, {Activation::tanh, Init::glorot, true, 0.1}, rng);
  Optimizer<float> adam(parameters<float>(mlp), Adam{}, 1e-3);
  auto x = Tensor<float>::from_shape({256, 100});
  fill_normal(rng, x);
  Tape<float> tape;
  float loss = 0;
  for (int step = 0; step < 8; ++step) {
    tape.reset();
    const auto input = tape.constant(x);
    const auto error = mean(square(mlp(input, training(rng)) + input));
    loss = error.value()();
    tape.backward(error);
    adam.step();
  }
  return loss;
}

}  // namespace

TEST_CASE("Models that several threads train at once come out as one after the other") {
  std::vector<float> alone, together(6);
  for (std::size_t i = 0; i < together.size(); ++i) alone.push_back(train(i, 1 + i % 3));
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < together.size(); ++i)
    threads.emplace_back([&, i] { together[i] = train(i, 1 + i % 3); });
  for (std::thread& thread : threads) thread.join();
  CHECK(together == alone);
}
