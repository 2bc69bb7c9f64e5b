#include "strata/vae/models/gmvae.hpp"

#include <numbers>

#include "strata/tests/random_tensor.hpp"
#include "strata/tests/vae/parts/check_model.hpp"
#include "strata/vae/classification.hpp"

using namespace strata;
using namespace strata::tests;

namespace {

template <class T> Gmvae<T> small(Rng& rng) {
  return Gmvae<T>({.data = pixels, .hidden = {12}, .latent = {3, 2}, .upper_hidden = {6}, .components = 4},
                  rng);
}

void fill(Linear<double>& map, double weight, const Tensor<double>& bias) {
  map.weight.write().fill(weight);
  map.bias.write() = bias;
}

}  // namespace

TEST_CASE("A Gaussian mixture VAE trains, is saved and evaluated") {
  check_model([]<class T>(Rng& rng) { return small<T>(rng); });
  check_model([]<class T>(Rng& rng) { return small<T>(rng); }, Iwae{});
}

TEST_CASE("With the posterior of y exact, its terms sum to ln p(z | w), as the paper's equation 5 has them") {
  Rng rng{2};
  const auto model = small<double>(rng);
  Tape<double> tape;
  const auto x = tape.constant(Tensor<double>(Shape{5, pixels}, 1.0));
  Rng same{3};
  const auto pass = model.pass({x, {}, 2}, same);
  const auto& z = pass.layers[0];
  const auto p = model.p_z(pass.layers[1].z);
  for (std::size_t row = 0; row < 10; ++row) {
    std::vector<double> log_p(4);  // ln p(z | y, w)
    for (std::size_t y = 0; y < 4; ++y)
      for (std::size_t l = 0; l < 3; ++l) {
        const double s = p.log_variance.value()(row, 3 * y + l),
                     d = z.z.value()(row, l) - p.mean.value()(row, 3 * y + l);
        log_p[y] -= 0.5 * (std::log(2 * std::numbers::pi) + s + d * d * std::exp(-s));
      }
    double total = 0, sum = 0;
    for (const double v : log_p) total += std::exp(v);
    // Σ_y p(y | z, w) (ln p(z | y, w) − ln (p(y | z, w) / p(y)))
    for (const double v : log_p) sum += std::exp(v) / total * (v - std::log(4 * std::exp(v) / total));
    CHECK(z.log_p.value()(row) == Approx(sum).epsilon(1e-10));
  }
}

TEST_CASE("With a linear decoder and no noise its responsibilities are those of a Gaussian mixture of x") {
  constexpr double tiny = 1e-10;
  Rng rng{1};
  Gmvae<double> model({.data = 2,
                       .hidden = {},
                       .latent = {2, 1},
                       .upper_hidden = {},
                       .likelihood = Likelihood::normal,
                       .noise_variance = tiny,
                       .components = 3},
                      rng);
  // x = z A + b, z_y ~ N(m_y, diag e^s_y) whatever w: x ~ 1/3 Σ N(m_y A + b, Aᵀ diag e^s_y A)
  const Tensor<double> a = {{1.2, 0.4}, {-0.5, 0.9}}, b = {0.3, -0.2}, m = {0.0, 1.0, -1.0, 0.5, 1.5, -0.7},
                       s = {-0.5, 0.2, 0.1, -0.8, 0.4, -0.3};
  const double determinant = 1.2 * 0.9 + 0.5 * 0.4;
  const Tensor<double> inverse = Tensor<double>{{0.9, -0.4}, {0.5, 1.2}} / determinant;
  auto& output = std::get<HomoscedasticHead<double>>(model.decoder).output;
  output.weight.write() = a;
  output.bias.write() = b;
  fill(model.p_z.mean, 0, m);
  fill(model.p_z.scale, 0, s);
  fill(model.q_z.scale, 0, {std::log(tiny), std::log(tiny)});
  model.q_z.mean.weight.write() = inverse;
  for (std::size_t l = 0; l < 2; ++l)
    model.q_z.mean.bias.write()(l) = -(b(0) * inverse(0, l) + b(1) * inverse(1, l));
  const Tensor<double> x = 1.5 * normals({8, 2}, 4);
  Tape<double> tape;
  const Tensor<double> found = model.classify(tape.constant(x)).value();
  for (std::size_t n = 0; n < 8; ++n) {
    double density[3], total = 0;
    for (std::size_t y = 0; y < 3; ++y) {
      // Aᵀ S A = [[p, q], [q, r]]
      const double u = std::exp(s(2 * y)), v = std::exp(s(2 * y + 1));
      const double p = a(0, 0) * a(0, 0) * u + a(1, 0) * a(1, 0) * v,
                   q = a(0, 0) * a(0, 1) * u + a(1, 0) * a(1, 1) * v,
                   r = a(0, 1) * a(0, 1) * u + a(1, 1) * a(1, 1) * v, det = p * r - q * q;
      const double d = x(n, 0) - b(0) - m(2 * y) * a(0, 0) - m(2 * y + 1) * a(1, 0),
                   e = x(n, 1) - b(1) - m(2 * y) * a(0, 1) - m(2 * y + 1) * a(1, 1);
      density[y] = std::exp(-0.5 * (r * d * d - 2 * q * d * e + p * e * e) / det) / std::sqrt(det);
      total += density[y];
    }
    for (std::size_t y = 0; y < 3; ++y) CHECK(found(n, y) == Approx(density[y] / total).margin(1e-7));
  }
}

TEST_CASE("Draws of z lie where the clusters are, alike often, and w is kept") {
  Rng rng{1};
  Gmvae<double> model({.data = 3, .hidden = {}, .latent = {1, 1}, .upper_hidden = {}, .components = 2}, rng);
  fill(model.p_z.mean, 0, {-5.0, 5.0});
  fill(model.p_z.scale, 0, {0.0, 0.0});
  Tape<double> tape;
  const auto z = model.draw(tape, 1, 2000, {}, rng);
  REQUIRE(z.size() == 2);
  double right = 0;
  for (const double v : z[0].value()) {
    CHECK(std::abs(std::abs(v) - 5) < 5);
    right += v > 0;
  }
  CHECK(right / 2000 == Approx(0.5).margin(0.05));
  CHECK((model.decode(z, {}, rng).value() == model.decode(z, {}, rng).value()));
  CHECK((model.decode({z[1]}, {}, rng).value() != model.decode({z[1]}, {}, rng).value()));
}

TEST_CASE("A cluster's label is that of its most confident example, and accuracy counts those that agree") {
  const Tensor<float> p = {{0.9f, 0.1f}, {0.6f, 0.4f}, {0.2f, 0.8f}, {0.45f, 0.55f}, {0.7f, 0.3f}};
  const std::vector<std::size_t> labels = {3, 3, 7, 3, 7};
  CHECK(cluster_accuracy(p, labels) == Approx(3.0 / 5));
  CHECK(error_rate(p, {0, 0, 1, 0, 1}) == Approx(2.0 / 5));
  CHECK_THROWS_WITH(error_rate(p, {0, 0}), Catch::Matchers::Contains("(5, 2)"));
}

TEST_CASE("Configurations that a Gaussian mixture VAE has not are refused") {
  Rng rng{1};
  CHECK_THROWS_WITH(Gmvae<double>({.latent = {2}}, rng),
                    "[Gmvae] needs the widths of z and w, and has 1 of them");
  CHECK_THROWS_WITH(Gmvae<double>({.latent = {2, 2}, .condition = 3}, rng), "[Gmvae] reads no condition");
  CHECK_THROWS_WITH(Gmvae<double>({.latent = {2, 2}, .prior = PriorKind::vamp}, rng),
                    "[Gmvae] has a prior of its own");
  CHECK_THROWS_WITH(Gmvae<double>({.latent = {2, 2}, .components = 0}, rng),
                    "[Gmvae] needs at least one cluster");
}
