#include "strata/vae/models/m2.hpp"

#include <numbers>

#include "strata/tests/random_tensor.hpp"
#include "strata/tests/vae/linear_decoder.hpp"
#include "strata/tests/vae/parts/check_model.hpp"
#include "strata/vae/classification.hpp"

using namespace strata;
using namespace strata::tests;

namespace {

template <class T> M2<T> small(Rng& rng) {
  return M2<T>({.data = pixels, .hidden = {12}, .latent = {2}, .components = 2}, rng);
}

// Labels as unit vectors of three classes; zeros for a class of 3.
Tensor<double> units(const std::vector<std::size_t>& classes, std::size_t count = 3) {
  Tensor<double> y(Shape{classes.size(), count}, 0.0);
  for (std::size_t i = 0; i < classes.size(); ++i)
    if (classes[i] < count) y(i, classes[i]) = 1;
  return y;
}

}  // namespace

TEST_CASE("M2 trains with all labels, or few, is saved and evaluated") {
  check_model([]<class T>(Rng& rng) { return small<T>(rng); });
  Dataset few = half_lit(320);
  for (std::size_t i = 4; i < 320; ++i) (*few.labels)(i) = unknown_label;
  check_model([]<class T>(Rng& rng) { return small<T>(rng); }, Elbo{}, few);
}

TEST_CASE(
    "The bound without a label is Σ_y q(y | x) (bound with it − ln q(y | x)), and p(x) the sum over y") {
  Rng rng{2};
  M2<double> model({.data = 6, .hidden = {5}, .latent = {2}, .components = 3}, rng);
  model.classifier_weight = 0.7;
  Tape<double> tape;
  const Tensor<double> x = xt::cast<double>(normals({4, 6}, 1) > 0.0);
  constexpr std::size_t samples = 3;
  const auto run = [&](const std::vector<std::size_t>& classes) {
    Rng same{5};
    return model.pass({tape.constant(x), tape.constant(units(classes)), samples}, same, training(same));
  };
  const auto unknown = run({3, 3, 3, 3});
  const Tensor<double> q = model.classify(tape.constant(x)).value();
  Tensor<double> bound = xt::zeros<double>({4 * samples}), likelihood = bound;
  for (std::size_t y = 0; y < 3; ++y) {
    const auto known = run({y, y, y, y});
    for (std::size_t i = 0; i < 4 * samples; ++i) {
      const double share = q(i / samples, y);
      bound(i) += share * (known.elbo().value()(i) - std::log(share));
      likelihood(i) += std::exp(known.log_weight().value()(i));
      CHECK(known.penalty.value()(i) == Approx(-0.7 * std::log(share)));
    }
  }
  CHECK(xt::allclose(unknown.elbo().value(), bound, 1e-11));
  CHECK(xt::allclose(unknown.log_weight().value(), xt::log(likelihood), 1e-11));
  CHECK(xt::amax(xt::abs(unknown.penalty.value()))() == 0);
  // Rows that know their label beside others that do not
  const auto mixed = run({3, 1, 3, 0}), ones = run({1, 1, 1, 1});
  for (std::size_t s = 0; s < samples; ++s) {
    CHECK(mixed.elbo().value()(s) == Approx(unknown.elbo().value()(s)));
    CHECK(mixed.elbo().value()(samples + s) == Approx(ones.elbo().value()(samples + s)));
  }
  // Inference passes labels over
  Rng same{5};
  const auto tested = model.pass({tape.constant(x), tape.constant(units({0, 1, 2, 0})), samples}, same);
  CHECK(xt::allclose(tested.elbo().value(), unknown.elbo().value(), 1e-12));
}

TEST_CASE("A linear M2's log weights with exact q(z | x, y) are ln Σ_y p(y) p(x | y) for every draw") {
  constexpr double variance = 0.3;
  Rng rng{1};
  M2<double> model({.data = 4,
                    .hidden = {},
                    .latent = {2},
                    .likelihood = Likelihood::normal,
                    .noise_variance = variance,
                    .components = 3},
                   rng);
  const auto decoder = orthogonal_decoder({1.3, 0.6}, 4, variance);
  const Tensor<double>&w = decoder.output.weight.value(), &b = decoder.output.bias.value();
  const Tensor<double> c = normals({3, 4}, 7), precision = posterior_precision(decoder, variance);
  auto& output = std::get<HomoscedasticHead<double>>(model.decoder).output;  // reads (z, y)
  output.bias.write() = b;
  model.q.mean.weight.write().fill(0);
  model.q.mean.bias.write().fill(0);
  model.q.scale.weight.write().fill(0);
  model.q.scale.bias.write() = -xt::log(precision);
  for (std::size_t d = 0; d < 4; ++d) {
    for (std::size_t l = 0; l < 2; ++l) {
      output.weight.write()(l, d) = w(l, d);
      const double gain = w(l, d) / (precision(l) * variance);
      model.q.mean.weight.write()(d, l) = gain;
      model.q.mean.bias.write()(l) -= b(d) * gain;
      for (std::size_t y = 0; y < 3; ++y) model.q.mean.weight.write()(4 + y, l) -= c(y, d) * gain;
    }
    for (std::size_t y = 0; y < 3; ++y) output.weight.write()(2 + y, d) = c(y, d);
  }
  const Tensor<double> x = normals({3, 4}, 5);
  Tape<double> tape;
  const Tensor<double> weights = model.pass({tape.constant(x), {}, 6}, rng).log_weight().value();
  for (std::size_t n = 0; n < 3; ++n) {
    double total = 0;
    for (std::size_t y = 0; y < 3; ++y) {
      double log_density = -2 * std::log(2 * std::numbers::pi * variance), rest = 0;
      for (std::size_t d = 0; d < 4; ++d) rest += std::pow(x(n, d) - b(d) - c(y, d), 2);
      for (std::size_t l = 0; l < 2; ++l) {  // along w's rows the variance is σ² Λ
        double along = 0, length = 0;
        for (std::size_t d = 0; d < 4; ++d)
          along += (x(n, d) - b(d) - c(y, d)) * w(l, d), length += w(l, d) * w(l, d);
        rest -= along * along / length * (1 - 1 / precision(l));
        log_density -= 0.5 * std::log(precision(l));
      }
      total += std::exp(log_density - 0.5 * rest / variance) / 3;
    }
    for (std::size_t s = 0; s < 6; ++s) CHECK(weights(6 * n + s) == Approx(std::log(total)).margin(1e-11));
  }
}

TEST_CASE("A few labels teach M2 the classes") {
  Dataset data = half_lit(320);
  const std::vector<std::size_t> labels(data.labels->begin(), data.labels->end());
  for (std::size_t i = 4; i < 320; ++i) (*data.labels)(i) = unknown_label;
  Rng rng{1};
  auto model = small<float>(rng);
  Optimizer<float> adam(parameters(model), Adam{}, 1e-2);
  ObjectiveStep step(model, adam, Elbo{});
  Trainer trainer(step, data, {.batch = 16});
  for (int epoch = 0; epoch < 5; ++epoch) trainer.run_epoch();
  const auto batch = first_examples<float>(data, 320, Binarize::threshold, rng);
  Tape<float> tape(Record::values);
  CHECK(error_rate(model.classify(tape.reference(batch.x)).value(), labels) < 0.02);
}

TEST_CASE("Draws keep the class they are given; what M2 has not is refused") {
  Rng rng{1};
  const auto model = small<double>(rng);
  Tape<double> tape;
  const auto y = tape.constant(units({0, 1, 1}, 2));
  const auto z = model.draw(tape, 1, 3, y, rng);
  REQUIRE(z.size() == 2);
  CHECK((z[1].value() == y.value()));
  CHECK(z[0].shape() == Shape{3, 2});
  CHECK((model.decode(z, {}, rng).value() == model.decode(z, {}, rng).value()));
  const Tensor<double> free = model.draw(tape, 2, 500, {}, rng)[0].value();
  CHECK(xt::sum(free)() == 500);
  CHECK(xt::sum(xt::view(free, xt::all(), 0))() == Approx(250).margin(50));
  const auto x = tape.constant(Tensor<double>(Shape{3, pixels}, 1.0));
  CHECK_THROWS_WITH(model.pass({x, tape.constant(units({0, 1, 2})), 1}, rng, training(rng)),
                    "[M2] the condition is (3, 3); it must be (3, 2)");
  CHECK_THROWS_WITH(model.pass({x, {}, 1, Paths::stopped}, rng), "[M2] its draws of z have no paths apart");
  CHECK_THROWS_WITH(M2<double>({.latent = {2, 2}}, rng), "[M2] needs one latent width, and has 2");
}
