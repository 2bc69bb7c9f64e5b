// A categorical likelihood: every pixel is one of several levels.
#include "strata/tests/vae/parts/check_model.hpp"
#include "strata/vae/heads.hpp"
#include "strata/vae/single_layer.hpp"

using namespace strata;

namespace {

/// Independent x_d ∈ {0 ... C − 1} with P(x_d = c) = softmax(logits_d)_c
template <class T> struct Categorical {
  Var<T> logits;  // (B, D, C)
};

// Σ_d ln P(x_d), x (B, D)
template <class T> Var<T> log_prob(const Categorical<T>& p, Var<T> x) {
  return sum(one_hot(x, p.logits.shape()[2]) * log_softmax(p.logits), {1, 2});
}

template <class T> struct CategoricalHead {
  Mlp<T> body;
  Linear<T> output;
  std::size_t levels;

  CategoricalHead(std::size_t in, std::size_t width, std::size_t out, std::size_t count, Rng& rng)
      : body(in, {width}, {}, rng), output(width, out * count, Init::he, rng), levels(count) {}

  Categorical<T> operator()(Var<T> z, Context context = {}) const {
    return {reshape(output(body(z, context)), {-1, output.bias.value().size() / levels, levels})};
  }

  static void fields(auto& self, auto&& visit) {
    visit("body", self.body);
    visit("output", self.output);
  }
};

template <class T> struct LevelsVae {
  NormalHead<T> encoder;
  CategoricalHead<T> decoder;

  LevelsVae(std::size_t data, Rng& rng) : encoder(data, {12}, 2, {}, rng), decoder(2, 12, data, 4, rng) {}

  Pass<T> pass(const Given<T>& given, const Noise<T>& noise, Context context = {}) const {
    return single_layer_pass(given, encoder(given.x, context), decoder, standard_normal, noise, context);
  }

  static void fields(auto& self, auto&& visit) {
    visit("encoder", self.encoder);
    visit("decoder", self.decoder);
  }
};

// Images of four levels.
Dataset levels(std::size_t count) {
  Tensor<float> x(Shape{count, tests::pixels}, 0.0f);
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = 0; j < tests::pixels; ++j) x(i, j) = static_cast<float>((j / 4 + i % 3) % 4);
  return {x};
}

}  // namespace

TEST_CASE("A categorical likelihood is a part: its model trains, is saved and evaluated") {
  tests::check_model([]<class T>(Rng& rng) { return LevelsVae<T>(tests::pixels, rng); }, Elbo{}, levels(320),
                     Binarize::none);
}

TEST_CASE("With two levels the categorical is the Bernoulli of their logits' difference") {
  Tape<double> tape;
  Rng rng{1};
  const auto logits = Noise<double>(rng).normal(tape, {5, 7, 2});
  const auto difference = slice(logits, 2, 1, 2) - slice(logits, 2, 0, 1);
  const auto x = sample(Bernoulli<double>{reshape(difference, {5, 7})}, rng);
  CHECK(xt::allclose(log_prob(Categorical<double>{logits}, x).value(),
                     log_prob(Bernoulli<double>{reshape(difference, {5, 7})}, x).value(), 1e-12));
}
