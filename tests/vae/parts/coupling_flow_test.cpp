// Affine coupling layers on top of a normal posterior (Dinh et al. 2017; Rezende and Mohamed 2015).
#include "strata/tests/vae/parts/check_model.hpp"
#include "strata/vae/heads.hpp"
#include "strata/vae/single_layer.hpp"

using namespace strata;

namespace {

/// (a, b) ↦ (b e^s(a) + t(a), a), whose Jacobian has the log determinant Σ s(a).
template <class T> struct Coupling {
  Mlp<T> body;
  Linear<T> scale, shift;  // start at 0: the layer only exchanges the halves

  Coupling(std::size_t a, std::size_t b, Rng& rng)
      : body(a, {8}, {.activation = Activation::tanh}, rng),
        scale(8, b, Init::zero, rng),
        shift(8, b, Init::zero, rng) {}

  // Moves z (B, L) and adds its log determinant to `total`.
  Var<T> operator()(Var<T> z, Var<T>& total) const {
    const std::size_t width = z.shape()[1], half = width - scale.bias.value().size();
    const auto a = slice(z, 1, 0, half), b = slice(z, 1, half, width), h = body(a), s = tanh(scale(h));
    total = total + sum(s, {1});
    return concatenate({b * exp(s) + shift(h), a}, 1);
  }

  static void fields(auto& self, auto&& visit) {
    visit("body", self.body);
    visit("scale", self.scale);
    visit("shift", self.shift);
  }
};

/// z = f(z₀), z₀ ~ N: ln q(z) = ln N(z₀) − ln |∂f/∂z₀|
template <class T> struct Flow {
  Normal<T> base;
  const std::vector<Coupling<T>>* layers;
};
template <class T> Draw<T> sample_and_log_prob(const Flow<T>& q, const Noise<T>& noise) {
  auto [z, log_q] = sample_and_log_prob(q.base, noise);
  auto determinant = 0 * log_q;
  for (const auto& layer : *q.layers) z = layer(z, determinant);
  return {z, log_q - determinant};
}
template <class T> Var<T> mean(const Flow<T>& q) {  // f of the base's mean, for want of E[f(z₀)]
  return sample_and_log_prob(q, Noise<T>::zero()).z;
}
template <class T> Flow<T> repeat_rows(const Flow<T>& q, std::size_t times) {
  return {repeat_rows(q.base, times), q.layers};
}

template <class T> struct FlowVae {
  NormalHead<T> encoder;
  std::vector<Coupling<T>> flow;
  BernoulliHead<T> decoder;

  FlowVae(std::size_t data, Rng& rng) : encoder(data, {12}, 3, {}, rng), decoder(3, {12}, data, {}, rng) {
    for (const std::size_t a : {1, 2}) flow.emplace_back(a, 3 - a, rng);
  }

  Pass<T> pass(const Given<T>& given, const Noise<T>& noise, Context context = {}) const {
    const Flow<T> q{encoder(given.x, context), &flow};
    return single_layer_pass(given, q, decoder, standard_normal, noise, context);
  }

  static void fields(auto& self, auto&& visit) {
    visit("encoder", self.encoder);
    visit("flow", self.flow);
    visit("decoder", self.decoder);
  }
};

}  // namespace

TEST_CASE("A flow posterior is a part: its model trains, is saved and evaluated") {
  tests::check_model([]<class T>(Rng& rng) { return FlowVae<T>(tests::pixels, rng); });
}

TEST_CASE("A posterior without a density at any point splits its paths, and is refused where q is stopped") {
  Rng rng{4};
  const FlowVae<double> vae(tests::pixels, rng);
  Tape<double> tape;
  const auto x = tape.constant(Tensor<double>(Shape{2, tests::pixels}, 0.0));
  CHECK(std::isfinite(objective(Piwae{2}, vae.pass({x, {}, 4, Paths::split}, rng)).value()()));
  CHECK_THROWS_WITH(vae.pass({x, {}, 4, Paths::stopped}, rng), Catch::Matchers::Contains("log_prob"));
}

TEST_CASE("A flow's log density is that of the change of variables") {
  Rng rng{4};
  FlowVae<double> vae(tests::pixels, rng);
  for (auto& layer : vae.flow) {
    fill_normal(rng, layer.scale.weight.write());
    fill_normal(rng, layer.shift.weight.write());
  }
  Tape<double> tape;
  const auto zero = tape.constant(xt::zeros<double>({1, 3}));
  const Flow<double> q{{zero, zero}, &vae.flow};
  const auto at = [&](const Tensor<double>& epsilon) {
    return sample_and_log_prob(q, Noise<double>::given({epsilon}));
  };
  const Tensor<double> point{{0.3, -1.2, 0.7}};
  double j[3][3];
  constexpr double h = 1e-6;
  for (std::size_t i = 0; i < 3; ++i) {
    Tensor<double> up = point, down = point;
    up(0, i) += h;
    down(0, i) -= h;
    const Tensor<double> slope = (at(up).z.value() - at(down).z.value()) / (2 * h);
    for (std::size_t k = 0; k < 3; ++k) j[k][i] = slope(0, k);
  }
  const double determinant = j[0][0] * (j[1][1] * j[2][2] - j[1][2] * j[2][1]) -
                             j[0][1] * (j[1][0] * j[2][2] - j[1][2] * j[2][0]) +
                             j[0][2] * (j[1][0] * j[2][1] - j[1][1] * j[2][0]);
  const double base = log_prob(standard_normal, tape.constant(point)).value()(0);
  CHECK(at(point).log_prob.value()(0) == Approx(base - std::log(std::abs(determinant))).margin(1e-8));
}
