// A VAE whose prior is the mixture of its own posteriors at K learned pseudo-inputs (Tomczak and Welling
// 2018): the model, its training, a checkpoint, its likelihood and pictures.
#include <iostream>
#include <strata/autograd/operations.hpp>
#include <strata/nn/checkpoint.hpp>
#include <strata/tensor/io/png.hpp>
#include <strata/tools/pictures/model_pictures.hpp>
#include <strata/vae/heads.hpp>
#include <strata/vae/single_layer.hpp>
#include <strata/vae/training.hpp>

using namespace strata;

template <class T> struct VampPrior { Normal<T> components; };  // p(z) = 1/K Σ_k q(z | u_k)
template <class T> Var<T> log_prob(const VampPrior<T>& p, Var<T> z) {
  const auto [mean, log_variance] = p.components;
  const auto count = mean.shape()[0];
  return logsumexp(normal_log_density(unsqueeze(z, 1, count), mean, log_variance)) - std::log(T(count));
}

template <class T> struct VampVae {
  NormalHead<T> encoder;
  BernoulliHead<T> decoder;
  Parameter<T> pseudo_inputs;  // (K, D), logits

  VampVae(std::size_t data, std::size_t components, Rng& rng)
      : encoder(data, {32}, 2, {}, rng), decoder(2, {32}, data, {}, rng) {
    pseudo_inputs.write() = Tensor<T>::from_shape({components, data});
    fill_normal(rng, pseudo_inputs.write());
  }

  VampPrior<T> prior(Tape<T>& tape) const { return {encoder(sigmoid(pseudo_inputs.on(tape)))}; }
  Pass<T> pass(const Given<T>& given, const Noise<T>& noise, Context context = {}) const {
    return single_layer_pass(given, encoder(given.x, context), decoder, prior(given.x.tape()), noise,
                             context);
  }
  // For pictures: rows take turns among the components.
  Layers<Var<T>> draw(Tape<T>& tape, std::size_t, std::size_t rows, Var<T>, const Noise<T>& noise) const {
    const std::size_t turns = rows / pseudo_inputs.value().shape(0) + 1;
    return {slice(sample(repeat_rows(prior(tape).components, turns), noise), 0, 0, rows)};
  }
  Var<T> decode(const Layers<Var<T>>& z, Var<T>, const Noise<T>&) const { return mean(decoder(z[0])); }

  static void fields(auto& self, auto&& visit) {
    visit("encoder", self.encoder), visit("decoder", self.decoder),
        visit("pseudo_inputs", self.pseudo_inputs);
  }
};

int main() {
  Rng rng{1};
  VampVae<float> vae(36, 4, rng), restored(36, 4, rng);
  Tensor<float> grey(Shape{640, 6, 6});  // stripes, every other row or column lit
  for (std::size_t i = 0; i < grey.size(); ++i) grey.data()[i] = (i / 36 % 2 ? i / 6 : i) % 2 ? 0.9f : 0.1f;
  const auto [data, test] = split({grey}, 64);
  Optimizer<float> adam(parameters(vae), Adam{}, 1e-2);
  ObjectiveStep step(vae, adam, Elbo{});
  Trainer trainer(step, data, {.batch = 32});
  for (int epoch = 0; epoch < 20; ++epoch) trainer.run_epoch();

  store(vae, "vamp.safetensors");
  restore(restored, "vamp.safetensors");
  const auto estimates = estimate_likelihood(
      restored, first_examples<float>(test, 64, Binarize::dynamic, rng), {.samples = 100});
  write_png("samples.png", tools::picture_samples(restored, {.image = {6, 6}}));
  std::cout << "ELBO " << trainer.evaluate(restored, test).elbo() << ", ln p of the first test image "
            << estimates[0].log_likelihood << "\n";
}
