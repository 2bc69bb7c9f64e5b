// A discrete latent: the nearest of K code vectors (van den Oord et al. 2017).
#include "strata/tests/vae/parts/check_model.hpp"
#include "strata/vae/heads.hpp"

using namespace strata;

namespace {

/// K code vectors, each the moving average of what is nearest to it (their appendix A.1).
template <class T> struct Codebook {
  mutable Buffer<T> codes, counts, sums;  // (K, L), (K), (K, L)
  T decay = T(0.99);

  Codebook(std::size_t count, std::size_t width, Rng& rng)
      : codes{Tensor<T>::from_shape({count, width})}, counts{xt::ones<T>({count})}, sums{} {
    fill_normal(rng, codes.write());
    sums.write() = codes.value();
  }

  // n_k ← decay n_k + (1 − decay) N_k, m_k ← decay m_k + (1 − decay) Σ z, e_k = m_k / n_k
  void move(const Tensor<T>& z, const std::vector<std::size_t>& nearest) const {
    counts.write() *= decay;
    sums.write() *= decay;
    for (std::size_t i = 0; i < nearest.size(); ++i) {
      counts.write()(nearest[i]) += 1 - decay;
      xt::view(sums.write(), nearest[i], xt::all()) += (1 - decay) * xt::view(z, i, xt::all());
    }
    for (std::size_t k = 0; k < counts.value().size(); ++k)
      if (counts.value()(k) > T(1e-5))
        xt::view(codes.write(), k, xt::all()) = xt::view(sums.value(), k, xt::all()) / counts.value()(k);
  }

  static void fields(auto& self, auto&& visit) {
    visit("codes", self.codes);
    visit("counts", self.counts);
    visit("sums", self.sums);
  }
};

template <class T> struct VectorQuantisedVae {
  Linear<T> encoder;
  Codebook<T> book;
  BernoulliHead<T> decoder;
  T commitment = T(0.25);

  VectorQuantisedVae(std::size_t data, std::size_t codes, Rng& rng)
      : encoder(data, 2, Init::glorot, rng), book(codes, 2, rng), decoder(2, {12}, data, {}, rng) {}

  Pass<T> pass(const Given<T>& given, const Noise<T>&, Context context = {}) const {
    const auto z = encoder(given.x), codes = given.x.tape().constant(book.codes.value());
    const auto nearest = argmin(sum(square(unsqueeze(z, 1) - codes), {2}));
    const auto e = gather_rows(codes, nearest);
    if (context.mode == Mode::train) book.move(z.value(), nearest);
    // Straight through: the value is e, the derivative that of z.
    const auto straight = repeat_rows(z + stop_gradient(e - z), given.samples);
    const auto zero = 0 * sum(straight, {1}),
               uniform = zero + std::log(static_cast<T>(book.counts.value().size()));
    return {given.samples,
            log_prob(decoder(straight, context), repeat_rows(given.x, given.samples)),
            {{straight, straight, zero, -uniform, uniform, {}}},  // q is one code, p uniform over all
            commitment * sum(square(z - e), {1})};
  }

  static void fields(auto& self, auto&& visit) {
    visit("encoder", self.encoder);
    visit("book", self.book);
    visit("decoder", self.decoder);
  }
};

}  // namespace

TEST_CASE("A vector-quantised latent is a part: its model trains, is saved and evaluated") {
  Rng rng{1};
  const auto data = tests::half_lit(320);
  VectorQuantisedVae<double> in_double(tests::pixels, 4, rng);
  in_double.book.decay = 1;   // the codes stand still
  freeze(in_double.encoder);  // whose gradient is the next test's
  tests::check_gradients(in_double, Elbo{}, data, Binarize::dynamic);

  VectorQuantisedVae<float> model(tests::pixels, 4, rng), other(tests::pixels, 4, rng);
  Optimizer<float> adam(parameters(model), Adam{}, 1e-2);
  ObjectiveStep step(model, adam, Elbo{});
  tests::check_training(model, other, step, data, Binarize::dynamic);
}

TEST_CASE("The encoder's gradient is the decoder's at the code, and that of the commitment") {
  Rng rng{2};
  VectorQuantisedVae<double> vae(tests::pixels, 4, rng);
  const auto batch = tests::few<double>(tests::half_lit(8), Binarize::dynamic);
  Tape<double> tape;
  const auto pass = vae.pass(batch.on(tape), rng);
  tape.backward(sum(pass.log_likelihood - pass.penalty));
  const Tensor<double> found = vae.encoder.bias.gradient.value;

  discard_gradients(vae);
  Tape<double> by_hand;
  const auto code = by_hand.variable(pass.layers[0].z.value());
  by_hand.backward(sum(log_prob(vae.decoder(code), by_hand.constant(batch.x.value()))));
  const auto z = by_hand.constant(batch.x.value());
  const Tensor<double> distance = vae.encoder(z).value() - pass.layers[0].z.value();
  CHECK(xt::allclose(found, xt::sum(code.grad() - 0.5 * distance, {0}), 1e-12));
}

TEST_CASE("Without memory an update of the codebook is a step of Lloyd's algorithm") {
  Rng rng{3};
  Codebook<double> book(2, 2, rng);
  book.decay = 0;
  book.codes.write() = {{-1, 0}, {1, 0}};
  book.move(Tensor<double>{{-3, 0}, {-2, 1}, {4, 1}, {5, 2}, {6, 3}}, {0, 0, 1, 1, 1});
  CHECK((book.codes.value() == Tensor<double>{{-2.5, 0.5}, {5, 2}}));
}
