// An adversarial step: a discriminator tells reconstructions from images, and the model learns to deceive it
// (after Larsen et al. 2016), each by an optimizer of its own.
#include "strata/tests/vae/parts/check_model.hpp"
#include "strata/vae/models/vae.hpp"

using namespace strata;

namespace {

template <class T> struct Discriminator {
  Mlp<T> body;
  Linear<T> output;

  Discriminator(std::size_t data, Rng& rng)
      : body(data, {8}, {.activation = Activation::softplus}, rng), output(8, 1, Init::he, rng) {}

  Var<T> operator()(Var<T> x) const { return output(body(x)); }  // (B, 1), the logit of "real"

  static void fields(auto& self, auto&& visit) {
    visit("body", self.body);
    visit("output", self.output);
  }
};

// E[ln D(x) + ln(1 − D(x̂))], which the discriminator raises
template <class T> Var<T> discrimination(const Discriminator<T>& d, Var<T> x, Var<T> decoded) {
  return mean(log_sigmoid(d(x))) + mean(log_sigmoid(-d(decoded)));
}

// ELBO + weight E[ln D(x̂)], which the model raises
template <class T> Var<T> deception(const Vae<T>& vae, const Discriminator<T>& d, const Given<T>& given,
                                    Rng& rng, T weight, Pass<T>& pass, Var<T>& decoded) {
  pass = vae.pass(given, rng, training(rng));
  decoded = vae.decode({pass.layers[0].z}, {}, rng);
  return objective(Elbo{}, pass) + weight * mean(log_sigmoid(d(decoded)));
}

/// Two updates on one batch, each with the other side frozen.
struct AdversarialStep {
  Vae<float>& vae;
  Discriminator<float>& discriminator;
  Optimizer<float> vae_optimizer{parameters(vae), Adam{}, 1e-2};
  Optimizer<float> discriminator_optimizer{parameters(discriminator), Adam{}, 1e-3};
  Tape<float> second{};

  Metrics operator()(const Given<float>& given, const StepContext& context) {
    Pass<float> pass;
    Var<float> decoded;
    {
      const Frozen fixed(discriminator);
      const auto gain = deception(vae, discriminator, given, context.rng, 0.5f, pass, decoded);
      require_finite(mean_metrics(pass), context);
      given.x.tape().backward(-gain);
    }
    vae_optimizer.step();
    second.reset();
    second.backward(
        -discrimination(discriminator, second.constant(given.x.value()), second.constant(decoded.value())));
    discriminator_optimizer.step();
    return mean_metrics(pass);
  }

  // What is saved of a run, and resumed.
  static void fields(auto& self, auto&& visit) {
    visit("vae", self.vae);
    visit("discriminator", self.discriminator);
    visit("vae_optimizer", self.vae_optimizer);
    visit("discriminator_optimizer", self.discriminator_optimizer);
  }
};

const VaeConfig small{.data = tests::pixels, .hidden = {12}, .latent = {2}};

}  // namespace

TEST_CASE("An adversarial step of two optimizers trains, and its model is saved and evaluated") {
  Rng rng{1};
  Vae<float> vae(small, rng), other(small, rng);
  Discriminator<float> discriminator(tests::pixels, rng);
  const Tensor<float> before = discriminator.output.weight.value();
  AdversarialStep step{vae, discriminator};
  tests::check_training(vae, other, step, tests::half_lit(320), Binarize::dynamic);
  CHECK((discriminator.output.weight.value() != before));
  CHECK(step.discriminator_optimizer.steps() == step.vae_optimizer.steps());
}

TEST_CASE("A run of two optimizers, stopped within an epoch, goes on as if it had not been") {
  struct Run {
    Dataset data = tests::half_lit(320);
    Rng rng{1};
    Vae<float> vae{small, rng};
    Discriminator<float> discriminator{tests::pixels, rng};
    AdversarialStep step{vae, discriminator};
    Trainer<AdversarialStep> trainer{step, data, {.batch = 64}};
  } whole, stopped, resumed;
  for (int i = 0; i < 9; ++i) whole.trainer.run_step();
  for (int i = 0; i < 7; ++i) stopped.trainer.run_step();
  Safetensors file;
  store(stopped.trainer, file);
  restore(resumed.trainer, file);
  for (int i = 0; i < 2; ++i) resumed.trainer.run_step();
  const auto weights = [](const Run& run) { return run.discriminator.output.weight.value(); };
  CHECK((weights(resumed) == weights(whole)));
  CHECK((weights(stopped) != weights(whole)));
}

TEST_CASE("Both sides' gradients are right, and the frozen side collects none") {
  Rng rng{2};
  Vae<double> vae(small, rng);
  Discriminator<double> discriminator(tests::pixels, rng);
  const auto batch = tests::few<double>(tests::half_lit(8), Binarize::dynamic);
  const auto vae_report = gradcheck(vae, [&](Tape<double>& tape) {
    const Frozen fixed(discriminator);
    Rng noise{3};
    Pass<double> pass;
    Var<double> decoded;
    return deception(vae, discriminator, batch.on(tape), noise, 0.5, pass, decoded);
  });
  CHECK(vae_report.message == "");
  CHECK(!discriminator.output.weight.gradient.received);
  const auto report = gradcheck(discriminator, [&](Tape<double>& tape) {
    return discrimination(discriminator, tape.constant(batch.x.value()),
                          tape.constant(0.5 * batch.x.value() + 0.1));
  });
  CHECK(report.message == "");
}
