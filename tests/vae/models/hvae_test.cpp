#include "strata/vae/models/hvae.hpp"

#include <numbers>

#include "strata/tests/random_tensor.hpp"
#include "strata/tests/vae/parts/check_model.hpp"
#include "strata/vae/simulation.hpp"

using namespace strata;
using namespace strata::tests;

namespace {

constexpr double noise = 0.4;  // the variance of x given z

struct Linear2 {
  Hvae<double> model;
  Tensor<double> x;      // (3, 4)
  Tensor<double> exact;  // ln p(x): (3)
};

// z_2 ~ N(0, 1), z_1 ~ N(a z_2 + c, e^s), x ~ N(z_1 v + z_2 w + b, σ² I) with scalar z, and the exact
// posterior: the joint normal of (z_1, z_2) given x, factorised as q(z_2 | x) q(z_1 | x, z_2).
Linear2 linear_model() {
  constexpr double a = 0.8, c = 0.3, s = -0.7;
  Rng rng{1};
  Linear2 l{Hvae<double>({.data = 4,
                          .hidden = {},
                          .latent = {1, 1},
                          .upper_hidden = {},
                          .likelihood = Likelihood::normal,
                          .noise_variance = noise},
                         rng),
            2.0 * normals({3, 4}, 5), xt::zeros<double>({3})};
  const auto set = [](Linear<double>& map, Tensor<double> weight, double bias) {
    map.weight.write() = std::move(weight);
    map.bias.write()(0) = bias;
  };
  set(l.model.p1.mean, Tensor<double>(Shape{1, 1}, a), c);
  set(l.model.p1.scale, Tensor<double>(Shape{1, 1}, 0.0), s);
  const Tensor<double> v = normals({4}, 2), w = normals({4}, 3), b = normals({4}, 4);
  auto& output = std::get<HomoscedasticHead<double>>(l.model.decoder).output;
  for (std::size_t d = 0; d < 4; ++d) output.weight.write()(0, d) = v(d), output.weight.write()(1, d) = w(d);
  output.bias.write() = b;
  const auto product = [](const Tensor<double>& f, const Tensor<double>& g) { return xt::sum(f * g)(); };
  // q(z_1 | x, z_2) ∝ N(z_1; a z_2 + c, e^s) N(x; z_1 v + z_2 w + b, σ²)
  const double p1 = std::exp(-s) + product(v, v) / noise;
  // z_2's precision and its mean's slope: x | z_2 ~ N(u z_2 + d, e^s v vᵀ + σ² I), u = a v + w, d = c v + b,
  // whose inverse is (I − v vᵀ / (σ² e^−s + |v|²)) / σ²
  const Tensor<double> u = a * v + w, d = c * v + b;
  const double along = noise * std::exp(-s) + product(v, v);
  const Tensor<double> k = (u - product(u, v) / along * v) / noise;  // u's row times that inverse
  const double p2 = 1 + product(u, k);
  Tensor<double> to_q1(Shape{5, 1}, 0.0), to_q2(Shape{4, 1}, 0.0);
  for (std::size_t i = 0; i < 4; ++i) to_q1(i, 0) = v(i) / noise / p1, to_q2(i, 0) = k(i) / p2;
  to_q1(4, 0) = (a * std::exp(-s) - product(v, w) / noise) / p1;
  set(l.model.q1.mean, to_q1, (c * std::exp(-s) - product(v, b) / noise) / p1);
  set(l.model.q1.scale, Tensor<double>(Shape{5, 1}, 0.0), -std::log(p1));
  set(l.model.q2.mean, to_q2, -product(d, k) / p2);
  set(l.model.q2.scale, Tensor<double>(Shape{4, 1}, 0.0), -std::log(p2));
  // ln p(x) = ln N(x; d, e^s v vᵀ + σ² I + u uᵀ)
  const double determinant = std::pow(noise, 3) * std::exp(s) * along * p2;
  for (std::size_t n = 0; n < 3; ++n) {
    const Tensor<double> e = xt::view(l.x, n, xt::all()) - d;
    const double inner = (product(e, e) - std::pow(product(e, v), 2) / along) / noise;
    l.exact(n) = -0.5 * (4 * std::log(2 * std::numbers::pi) + std::log(determinant) + inner -
                         std::pow(product(e, k), 2) / p2);
  }
  return l;
}

template <class T> Hvae<T> small(PriorKind prior, Rng& rng) {
  return Hvae<T>({.data = pixels,
                  .hidden = {8, 7},
                  .latent = {3, 2},
                  .upper_hidden = {6},
                  .networks = {.activation = Activation::gated},
                  .scale = Scale::clamped,
                  .prior = prior,
                  .components = 3},
                 rng);
}

}  // namespace

TEST_CASE("A two-layer model whose posterior goes down trains, is saved and evaluated, with every prior") {
  for (const auto prior : {PriorKind::standard, PriorKind::mixture, PriorKind::vamp})
    check_model([&]<class T>(Rng& rng) { return small<T>(prior, rng); });
}

TEST_CASE("With the exact posterior of a linear two-layer model every weight is p(x)") {
  const auto [model, x, exact] = linear_model();
  Tape<double> tape;
  Rng rng{4};
  const Tensor<double> weights = model.pass({tape.constant(x), {}, 20}, rng).log_weight().value();
  for (std::size_t i = 0; i < weights.size(); ++i) CHECK(weights(i) == Approx(exact(i / 20)).margin(1e-11));
}

TEST_CASE("With the exact posterior the gradient of q by its stopped parameters is 0 for every draw") {
  auto [model, x, exact] = linear_model();
  Tape<double> tape;
  Rng rng{4};
  tape.backward(objective(StickingTheLanding{}, model.pass({tape.constant(x), {}, 1, Paths::stopped}, rng)));
  for (const auto* q : {&model.q1, &model.q2})
    detail::for_each_parameter(*q, [](const std::string&, const auto& p) {
      REQUIRE(p.gradient.received);
      CHECK(xt::amax(xt::abs(p.gradient.value))() < 1e-10);
    });
  CHECK(xt::amax(xt::abs(model.p1.mean.weight.gradient.value))() > 1e-3);
}

TEST_CASE("Stopped paths leave a nonlinear two-layer model's values, and reach q through z alone") {
  Rng rng{2};
  auto model = small<double>(PriorKind::vamp, rng);
  const auto x = Tensor<double>(Shape{2, pixels}, 1.0);
  Tape<double> tape;
  // ln q(z_1 | x, z_2), and its largest gradient by what q(z_1 | x, z_2) is made of, at z_1 = E[z_1]
  const auto log_q = [&](Paths paths) {
    tape.reset();
    discard_gradients(model);
    const auto pass = model.pass({tape.constant(x), {}, 3, paths}, Noise<double>::zero());
    const auto y = sum(pass.layers[0].log_q);
    tape.backward(y);
    std::vector<double> largest;
    for (const auto* parameter :
         {&model.q1.scale.bias, &model.x_q1.layers[0].linear.weight, &model.z2_q1.layers[0].linear.weight})
      largest.push_back(parameter->gradient.received ? xt::amax(xt::abs(parameter->gradient.value))() : 0);
    return std::pair(y.value()(), largest);
  };
  const auto joint = log_q(Paths::joint), stopped = log_q(Paths::stopped);
  CHECK(joint.first == Approx(stopped.first).epsilon(1e-12));
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(joint.second[i] > 1e-3);
    CHECK(stopped.second[i] == 0);
  }
}

TEST_CASE("The noise of given latents is found where the upper layer is drawn first") {
  const auto l = linear_model();
  Rng rng{5};
  const auto [z, mean] = simulate<double>(l.model, 1, {}, rng);
  const Batch<double> x{Tensor<double>(xt::view(l.x, xt::range(0, 1)))};
  const Tensor<double> epsilon = noise_of(l.model, x, z).value();
  Tape<double> tape(Record::values);
  const Tensor<double> row = xt::view(epsilon, xt::newaxis(), xt::all());
  const auto pass = l.model.pass(x.on(tape), strata::detail::noise_columns(tape.constant(row)));
  for (std::size_t t = 0; t < 2; ++t) CHECK(xt::allclose(pass.layers[t].z.value(), z[t], 1e-9, 1e-9));
}

TEST_CASE("Draws and decoding keep the layers they are given") {
  Rng rng{2};
  const auto model = small<double>(PriorKind::mixture, rng);
  Tape<double> tape;
  const auto both = model.draw(tape, 1, 5, {}, rng), top = model.draw(tape, 2, 5, {}, rng);
  REQUIRE(both.size() == 2);
  REQUIRE(top.size() == 1);
  CHECK(both[0].shape() == Shape{5, 3});
  CHECK(both[1].shape() == Shape{5, 2});
  CHECK((model.decode(both, {}, rng).value() == model.decode(both, {}, rng).value()));
  CHECK((model.decode(top, {}, rng).value() != model.decode(top, {}, rng).value()));
  const auto low = model.p1(top[0]).mean;
  CHECK(
      (model.decode(top, {}, Noise<double>::zero()).value() == model.decode({low, top[0]}, {}, rng).value()));
  CHECK_THROWS_WITH(model.draw(tape, 3, 5, {}, rng), "[draw] there is no layer 3; they are 1 and 2");
  CHECK_THROWS_WITH(model.decode({}, {}, rng), "[decode] needs z_2, or z_1 and z_2, and has 0 of them");
}

TEST_CASE("With one pseudo-input, which is x, the upper layer's divergence is 0") {
  Rng rng{3};
  const Hvae<double> model({.data = 6,
                            .hidden = {5, 4},
                            .latent = {3, 2},
                            .upper_hidden = {4},
                            .prior = PriorKind::vamp,
                            .components = 1},
                           rng);
  Tape<double> tape;
  const auto x = tape.constant(std::get<VampPrior<double>>(model.prior).pseudo_inputs.value());
  CHECK(xt::amax(xt::abs(model.pass({x, {}, 50}, rng).layers[1].divergence().value()))() < 1e-12);
}

TEST_CASE("Configurations that a two-layer model has not are refused") {
  Rng rng{1};
  CHECK_THROWS_WITH(Hvae<double>({.latent = {2}}, rng), "[Hvae] needs two latent widths, and has 1");
  CHECK_THROWS_WITH(Hvae<double>({.latent = {2, 2}, .condition = 3}, rng), "[Hvae] reads no condition");
  CHECK_THROWS_WITH(Hvae<double>({.latent = {2, 2}, .posterior = PosteriorKind::full}, rng),
                    "[Hvae] its posteriors have independent components");
}
