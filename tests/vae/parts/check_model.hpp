// What every part is put through: its gradients, two epochs of training, a file, and evaluation.
#pragma once

#include <catch2/catch.hpp>
#include <cmath>

#include "strata/autograd/operations.hpp"
#include "strata/nn/checkpoint.hpp"
#include "strata/nn/gradcheck.hpp"
#include "strata/tests/complete_fields.hpp"
#include "strata/tests/temporary_folder.hpp"
#include "strata/vae/estimation.hpp"
#include "strata/vae/training.hpp"

namespace strata::tests {

inline constexpr std::size_t pixels = 16;

/// Images (N, 4, 4) of two kinds, each with its own half nearly always lit, and which kind each is.
inline Dataset half_lit(std::size_t count) {
  Tensor<std::uint8_t> bytes(Shape{count, 4, 4}, std::uint8_t{10}), labels(Shape{count}, std::uint8_t{0});
  for (std::size_t i = 0; i < count; ++i) {
    xt::view(bytes, i, xt::range(i % 2 * 2, i % 2 * 2 + 2), xt::all()) = std::uint8_t{245};
    labels(i) = static_cast<std::uint8_t>(i % 2);
  }
  return {bytes, labels, 2};
}

/// Some of them as a batch.
template <class T> Batch<T> few(const Dataset& data, Binarize binarize) {
  Rng rng{5};
  return first_examples<T>(data, 6, binarize, rng);
}

/// The gradients of a model's objective, and of all its parameters.
template <class Model, class O>
void check_gradients(Model& model, const O& wanted, const Dataset& data, Binarize binarize) {
  const auto batch = few<double>(data, binarize);
  const auto bound = [&](Tape<double>& tape) {
    Rng noise{3};
    return objective(wanted, model.pass(batch.on(tape, 2), noise, training(noise)));
  };
  CHECK(gradcheck(model, bound).message == "");
}

/// A model trained by a step for two epochs is better, and a file of it gives the same model.
template <class Model, class Step>
void check_training(Model& model, Model& other, Step& step, const Dataset& data, Binarize binarize) {
  Trainer trainer(step, data, {.batch = 16, .binarize = binarize});
  const double before = trainer.evaluate(model, data).elbo();
  trainer.run_epoch();
  trainer.run_epoch();
  const double after = trainer.evaluate(model, data).elbo();
  CHECK(after > before + 0.5);

  const TemporaryFolder folder;
  Safetensors file;
  store(model, file);
  file.write(folder / "model.safetensors");
  CHECK(trainer.evaluate(other, data).elbo() != after);
  restore(other, Safetensors::read(folder / "model.safetensors"));
  CHECK(trainer.evaluate(other, data).elbo() == after);

  for (const auto& estimate : estimate_likelihood(model, few<float>(data, binarize), {.samples = 200}))
    CHECK(estimate.log_likelihood >= estimate.metrics.elbo() - 0.3);  // whose KL may be in closed form
}

/// Both, with the usual step up an objective. make.template operator()<T>(rng) is a new model.
template <class Make, class O = Elbo> void check_model(Make make, const O& wanted = {},
                                                       const Dataset& data = half_lit(320),
                                                       Binarize binarize = Binarize::dynamic) {
  Rng rng{1};
  auto in_double = make.template operator()<double>(rng);
  const auto batch = few<double>(data, binarize);
  check_complete_fields(
      in_double, [&](Tape<double>& tape) { return objective(wanted, in_double.pass(batch.on(tape), rng)); });
  check_gradients(in_double, wanted, data, binarize);
  auto model = make.template operator()<float>(rng), other = make.template operator()<float>(rng);
  Optimizer<float> adam(parameters(model), Adam{}, 1e-2);
  ObjectiveStep step(model, adam, wanted);
  check_training(model, other, step, data, binarize);
}

}  // namespace strata::tests
