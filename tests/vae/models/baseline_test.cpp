#include "strata/vae/models/baseline.hpp"

#include "strata/tests/vae/parts/check_model.hpp"

using namespace strata;
using namespace strata::tests;

namespace {

// The upper half of an image is given, the lower is to be told.
Dataset upper_half(std::size_t count) {
  Dataset data = half_lit(count);
  for (std::size_t pixel = 0; pixel < 8; ++pixel) data.given.push_back(pixel);
  return data;
}

VaeConfig completion() {
  return {.data = 8, .hidden = {12}, .latent = {2}, .condition = 8, .prior_hidden = {6}};
}

}  // namespace

TEST_CASE("A model without latents, and a conditional one with a deep prior, learn to complete images") {
  check_model([]<class T>(Rng& rng) { return Baseline<T>(completion(), rng); }, Elbo{}, upper_half(320));
  check_model([]<class T>(Rng& rng) { return Vae<T>(completion(), rng); }, Elbo{}, upper_half(320));
}

TEST_CASE("Given values are the condition, binarised with the others, and none is lost") {
  Dataset whole = half_lit(6), parts = upper_half(6);
  parts.given = {1, 14};
  CHECK(parts.width() == 14);
  CHECK(parts.example_shape() == Shape{14});
  Rng a{3}, b{3};
  const auto all = first_examples<double>(whole, 6, Binarize::dynamic, a).x.value();
  const auto split = first_examples<double>(parts, 6, Binarize::dynamic, b);
  const Tensor<double>&x = split.x.value(), &c = split.condition->value();
  CHECK(x.shape() == Shape{6, 14});
  CHECK(c.shape() == Shape{6, 2});
  for (std::size_t n = 0; n < 6; ++n) {
    CHECK((c(n, 0) == all(n, 1) && c(n, 1) == all(n, 14)));
    for (std::size_t d = 0, k = 0; d < 16; ++d)
      if (d != 1 && d != 14) CHECK(x(n, k++) == all(n, d));
  }
  const Tensor<float> mean = mean_example(whole), of_x = mean_example(parts);
  CHECK(of_x.size() == 14);
  CHECK(of_x(0) == mean(0));
  CHECK(of_x(1) == mean(2));
  CHECK(of_x(13) == mean(15));
}

TEST_CASE("A conditional VAE that passes z over has the baseline's likelihood, whatever its samples") {
  Rng rng{1};
  Baseline<double> baseline({.data = 5, .hidden = {}, .condition = 3}, rng);
  Vae<double> vae({.data = 5, .hidden = {}, .latent = {2}, .condition = 3}, rng);
  auto& told = std::get<BernoulliHead<double>>(baseline.decoder).output;
  auto& output = std::get<BernoulliHead<double>>(vae.decoder).output;  // reads (z, c)
  output.bias.write() = told.bias.value();
  for (std::size_t d = 0; d < 5; ++d) {
    for (std::size_t l = 0; l < 2; ++l) output.weight.write()(l, d) = 0;
    for (std::size_t i = 0; i < 3; ++i) output.weight.write()(2 + i, d) = told.weight.value()(i, d);
  }
  // q(z | x, c) = p(z | c)
  auto& q = std::get<NormalHead<double>>(vae.q[0]);
  const auto& p = std::get<ConditionalPrior<double>>(vae.prior).head;
  for (const auto& [to, from] : {std::pair(&q.mean, &p.mean), std::pair(&q.scale, &p.scale)}) {
    to->bias.write() = from->bias.value();
    to->weight.write().fill(0);
    for (std::size_t i = 0; i < 3; ++i)
      for (std::size_t l = 0; l < 2; ++l) to->weight.write()(5 + i, l) = from->weight.value()(i, l);
  }
  Tape<double> tape;
  const auto x = tape.constant({{1, 0, 1, 1, 0}, {0, 0, 1, 0, 1}}), c = tape.constant({{1, 0, 1}, {0, 1, 1}});
  const Tensor<double> exact = baseline.pass({x, c, 4}, rng).elbo().value();
  CHECK(xt::allclose(vae.pass({x, c, 4}, rng).log_weight().value(), exact, 1e-12));
  CHECK(xt::allclose(vae.pass({x, c, 4}, rng).elbo().value(), exact, 1e-12));
  CHECK_THROWS_WITH(baseline.pass({x}, rng),
                    Catch::Matchers::Contains("[Baseline] the model is conditional"));
  CHECK_THROWS_WITH(Baseline<double>({.data = 5}, rng), "[Baseline] needs a condition to tell x from");
}
