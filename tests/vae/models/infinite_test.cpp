#include "strata/vae/models/infinite.hpp"

#include "strata/tests/vae/models/linear_chain.hpp"
#include "strata/tests/vae/parts/check_model.hpp"

using namespace strata;
using namespace strata::tests;

namespace {

template <class T> Infinite<T> small(Rng& rng) {
  return Infinite<T>({.data = pixels, .hidden = {12}, .latent = {2}, .components = 3}, rng);
}

// Points about so many places, 7 apart, each along a line of its own, with noise of deviation 0.2.
Dataset clusters(std::size_t count, std::size_t places, std::size_t width, Rng& rng) {
  Tensor<float> along(Shape{places, width}), place(Shape{count}), x(Shape{count, width});
  for (auto* t : {&along, &place, &x}) fill_normal(rng, *t);
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t d = 0; d < width; ++d)
      x(i, d) = (d == i % places ? 5.0f : 0.0f) + 0.5f * place(i) * along(i % places, d) + 0.2f * x(i, d);
  return {x};
}

}  // namespace

TEST_CASE("A mixture of VAEs trains, is saved and evaluated") {
  check_model([]<class T>(Rng& rng) { return small<T>(rng); });
}

TEST_CASE("Its weights are those of a truncated Dirichlet process, and its bound that of the mixture") {
  Rng rng{1};
  auto model = small<double>(rng);
  model.concentration = 0.6;
  model.counts.write() = Matrix{7, 0, 2};
  const Matrix w = {7.2 / 9.6, 0.2 / 9.6, 2.2 / 9.6};
  const Matrix x = xt::cast<double>(normals({4, pixels}, 1) > 0.0);
  Tape<double> tape;
  Rng noise{5}, same{5};
  const auto pass = model.pass({tape.constant(x), {}, 2}, noise);
  Matrix total = xt::zeros<double>({8});
  for (std::size_t k = 0; k < 3; ++k)
    total += w(k) * xt::exp(model.components[k].pass({tape.constant(x), {}, 2}, same).log_weight().value());
  CHECK(xt::allclose(pass.log_weight().value(), xt::log(total), 1e-11));
  CHECK(xt::allclose(pass.elbo().value(), xt::log(total), 1e-11));
  CHECK((model.counts.value() == Matrix{7, 0, 2}));  // inference counts nothing
}

TEST_CASE("Training counts the components that it draws, over the last examples") {
  Rng rng{1};
  auto model = small<double>(rng);
  model.memory = 20;
  model.counts.write() = Matrix{4, 16, 0};
  // Component 0 alone explains x: its output is sure of every pixel, the others' of the opposite.
  for (std::size_t k = 0; k < 3; ++k) {
    auto& output = std::get<BernoulliHead<double>>(model.components[k].decoder).output;
    output.weight.write().fill(0);
    output.bias.write().fill(k == 0 ? 9 : -9);
  }
  Tape<double> tape;
  const auto x = tape.constant(Matrix(Shape{5, pixels}, 1.0));
  model.pass({x}, rng, training(rng));
  CHECK(xt::allclose(model.counts.value(), Matrix{3.0 + 5, 12, 0}));
  CHECK(model.used(0.5) == 1);
  CHECK(model.used() == 2);
  CHECK(argmax(model.classify(x)) == std::vector<std::size_t>(5, 0));
}

TEST_CASE("Of linear components with exact posteriors every weight is that of the Gaussian mixture") {
  Rng rng{1};
  Infinite<double> model({.data = chain_width,
                          .hidden = {},
                          .latent = {4},
                          .likelihood = Likelihood::normal,
                          .noise_variance = chain_noise,
                          .top_posterior = PosteriorKind::full,
                          .components = 2},
                         rng);
  const Chain chain = make_chain(1, PosteriorKind::full);
  Chain moved = chain;
  const Matrix shift = normals({chain_width}, 9);
  std::get<HomoscedasticHead<double>>(moved.model.decoder).output.bias.write() += shift;
  moved.mean += shift;
  auto& q = diagonal(moved.model.q[0]);
  q.mean.bias.write() -= dot(shift, q.mean.weight.value());
  model.components = {chain.model, moved.model};
  model.counts.write() = Matrix{30, 10};
  const double a = 30.5 / 41, b = 10.5 / 41;
  const Matrix x = normals({3, chain_width}, 5);
  const Matrix exact =
      xt::log(a * xt::exp(exact_log_likelihood(chain, x)) + b * xt::exp(exact_log_likelihood(moved, x)));
  const Matrix shares = a * xt::exp(exact_log_likelihood(chain, x) - exact);
  Tape<double> tape;
  const auto pass = model.pass({tape.constant(x), {}, 4}, rng);
  for (std::size_t i = 0; i < 12; ++i) {
    CHECK(pass.log_weight().value()(i) == Approx(exact(i / 4)).epsilon(1e-12));
    CHECK(pass.layers[1].z.value()(i, 0) == Approx(shares(i / 4)).epsilon(1e-10));
  }
}

TEST_CASE("The number of separated clusters is found") {
  constexpr std::size_t width = 6, most = 10;
  for (const auto& [places, seed] :
       {std::pair(1, 1), std::pair(2, 1), std::pair(3, 1), std::pair(3, 2), std::pair(5, 1)}) {
    Rng rng{static_cast<std::uint64_t>(seed)};
    const Dataset data = clusters(400, static_cast<std::size_t>(places), width, rng);
    Infinite<float> model({.data = width,
                           .hidden = {},
                           .latent = {1},
                           .likelihood = Likelihood::normal,
                           .noise_variance = 0.04,
                           .components = most},
                          rng);
    model.concentration = 0.01f;
    model.memory = 100;
    model.start_apart(first_examples<float>(data, most, Binarize::none, rng).x.value());
    Optimizer<float> adam(parameters(model), Adam{}, 0.02);
    ObjectiveStep step(model, adam, Elbo{});
    Trainer trainer(step, data, {.batch = 100, .binarize = Binarize::none});
    for (int epoch = 0; epoch < 300; ++epoch) trainer.run_epoch();
    INFO(places << " clusters, seed " << seed << " of " << model.used() << " components");
    CHECK(model.used() == static_cast<std::size_t>(places));
  }
}

TEST_CASE("Draws are of the components by their weights, and decode as theirs do") {
  Rng rng{1};
  auto model = small<double>(rng);
  model.counts.write() = Matrix{300, 100, 0};
  Tape<double> tape;
  const auto z = model.draw(tape, 1, 4000, {}, rng);
  REQUIRE(z.size() == 2);
  const Matrix k = z[1].value();
  CHECK(xt::sum(k)() == 4000);
  CHECK(xt::mean(xt::view(k, xt::all(), 0))() == Approx(0.75).margin(0.03));
  CHECK(xt::mean(xt::view(k, xt::all(), 1))() == Approx(0.25).margin(0.03));
  const Matrix x = model.decode(z, {}, rng).value();
  for (std::size_t i = 0; i < 20; ++i) {
    const Matrix of_k = model.components[k(i, 0) == 1 ? 0 : 1].decode({z[0]}, {}, rng).value();
    if (k(i, 2) == 0) CHECK(xt::allclose(xt::view(x, i), xt::view(of_k, i)));
  }
  CHECK((model.decode({z[1]}, {}, rng).value() != model.decode({z[1]}, {}, rng).value()));
}

TEST_CASE("What a mixture of VAEs has not is refused") {
  Rng rng{1};
  Tape<double> tape;
  const auto model = small<double>(rng);
  CHECK_THROWS_WITH(model.pass({tape.constant(Matrix(Shape{3, pixels}, 1.0)), {}, 1, Paths::stopped}, rng),
                    "[Infinite] its draws of z have no paths apart");
  CHECK_THROWS_WITH(Infinite<double>({.components = 0}, rng), "[Infinite] needs at least one component");
  CHECK_THROWS_WITH(Infinite<double>({.latent = {3, 2}}, rng),
                    Catch::Contains("[Infinite] its components have one stochastic layer"));
}
