#include "strata/vae/pass.hpp"

#include <catch2/catch.hpp>

#include "strata/tests/random_tensor.hpp"
#include "strata/vae/models/vae.hpp"

using namespace strata;
using tests::normals;

TEST_CASE("A pass has the same values and moves the same averages along any paths") {
  std::vector<Vae<double>> models;
  std::vector<Tensor<double>> weights;
  for (const auto paths : {Paths::joint, Paths::split, Paths::stopped}) {
    Rng rng{1};
    auto& model = models.emplace_back(VaeConfig{.data = 6,
                                                .hidden = {5},
                                                .latent = {4, 3, 2},
                                                .upper_hidden = {4},
                                                .networks = {.batch_norm = true, .dropout = 0.3},
                                                .top_posterior = PosteriorKind::full},
                                      rng);
    Tape<double> tape;
    const Tensor<double> x = xt::cast<double>(normals({5, 6}, 2) > 0.0);
    const auto pass = model.pass({tape.constant(x), {}, 3, paths}, rng, training(rng));
    weights.push_back(pass.log_weight().value());
  }
  for (std::size_t i : {1, 2}) {
    CHECK(xt::allclose(weights[i], weights[0], 1e-10, 1e-10));
    std::vector<Tensor<double>> tensors;  // weights are equal by the seed, running averages by the passes
    for_each_tensor(models[0],
                    [&](const std::string&, const auto& leaf) { tensors.push_back(leaf.value()); });
    std::size_t k = 0;
    for_each_tensor(models[i], [&](const std::string& path, const auto& leaf) {
      INFO(path);
      CHECK(xt::allclose(leaf.value(), tensors[k++], 1e-10, 1e-10));
    });
  }
}
