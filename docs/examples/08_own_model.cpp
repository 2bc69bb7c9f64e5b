// A model of one's own in the trainer: a struct with fields and `pass`. What trains, stops, goes on,
// evaluates and saves it is the library's.
//
// Prints:
//   gradients: right
//   resumed after 2 of 4 epochs, the weights are those of the run that was not interrupted: yes
//   test ELBO and the bound by 500 draws: the latter is higher
#include <cstdio>
#include <filesystem>
#include <strata/nn/checkpoint.hpp>
#include <strata/nn/gradcheck.hpp>
#include <strata/vae/estimation.hpp>
#include <strata/vae/heads.hpp>
#include <strata/vae/single_layer.hpp>
#include <strata/vae/training.hpp>

using namespace strata;

// p(z) = N(0, I), p(x | z) = Bernoulli, q(z | x) normal with a full covariance
template <class T> struct FullVae {
  FullNormalHead<T> encoder;
  BernoulliHead<T> decoder;

  FullVae(std::size_t data, Rng& rng)
      : encoder(data, {16}, 3, {.activation = Activation::tanh}, rng),
        decoder(3, {16}, data, {.activation = Activation::tanh}, rng) {}

  Pass<T> pass(const Given<T>& given, const Noise<T>& noise, Context context = {}) const {
    return single_layer_pass(given, encoder(given.x, context), decoder, standard_normal, noise, context);
  }

  static void fields(auto& self, auto&& visit) {
    visit("encoder", self.encoder);
    visit("decoder", self.decoder);
  }
};

struct Run {  // all of a training
  Rng rng{1};
  FullVae<float> model{12, rng};
  Optimizer<float> adam{parameters(model), Adam{}, 5e-3};
  ObjectiveStep<FullVae<float>, Elbo> step{model, adam, Elbo{}};
  Trainer<ObjectiveStep<FullVae<float>, Elbo>> trainer;
  explicit Run(const Dataset& data) : trainer(step, data, {.batch = 32}) {}
};

int main() {
  Tensor<float> grey(Shape{640, 12});
  for (std::size_t i = 0; i < grey.size(); ++i) grey.data()[i] = (i / 12 + i) % 2 ? 0.95f : 0.05f;
  const auto [data, test] = split({grey}, 64);

  Rng rng{3};
  FullVae<double> checked(12, rng);
  const auto few = first_examples<double>(data, 8, Binarize::dynamic, rng);
  const auto report = gradcheck(checked, [&](auto& tape) {
    Rng noise{2};
    return objective(Elbo{}, checked.pass(few.on(tape), noise));
  });
  std::printf("gradients: %s\n", report.ok ? "right" : report.message.c_str());

  Run whole(data), first(data), second(data);
  for (int epoch = 0; epoch < 4; ++epoch) whole.trainer.run_epoch();
  for (int epoch = 0; epoch < 2; ++epoch) first.trainer.run_epoch();
  const char* const file = "own_model.safetensors";
  store(first.trainer, file);     // model, moments, counters, random state
  restore(second.trainer, file);  // into a run made the same way, in another process or here
  std::filesystem::remove(file);
  for (int epoch = 0; epoch < 2; ++epoch) second.trainer.run_epoch();
  const bool same = second.model.decoder.output.weight.value() == whole.model.decoder.output.weight.value();
  std::printf("resumed after 2 of 4 epochs, the weights are those of the run that was not interrupted: %s\n",
              same ? "yes" : "no");

  const auto images = first_examples<float>(test, 64, Binarize::dynamic, rng);
  double elbo = 0, bound = 0;
  for (const auto& estimate : estimate_likelihood(whole.model, images, {.samples = 500}))
    elbo += estimate.metrics.elbo(), bound += estimate.log_likelihood;
  std::printf("test ELBO and the bound by 500 draws: the latter is %s\n", bound > elbo ? "higher" : "lower");
}
