// Three opinions of one model's likelihood: two stochastic layers (8, 4), one epoch on MNIST. The reference
// is ln p(x) of the first ten test images by annealed importance sampling with 1,500 temperatures and 48
// chains in another program, ± 0.04 to 0.07.
#include <catch2/catch.hpp>
#include <cstdlib>

#include "strata/nn/checkpoint.hpp"
#include "strata/tests/temporary_folder.hpp"
#include "strata/tools/run/trained_run.hpp"
#include "strata/vae/annealing.hpp"
#include "strata/vae/estimation.hpp"
#include "strata/vae/refinement.hpp"

using namespace strata;
using Catch::Matchers::Contains;
using namespace strata::tools;

namespace {

constexpr std::array reference = {-93.765, -183.262, -58.730,  -173.394, -150.133,
                                  -66.239, -170.076, -161.908, -236.178, -136.732};
constexpr std::array from_encoder = {-96.611, -186.188, -60.310,  -173.975, -154.349,
                                     -67.394, -170.970, -162.988, -236.861, -137.310};  // 5,000 draws

struct Subject {
  Vae<float> model;
  Batch<float> images;
};

Subject subject(std::size_t count) {
  const auto file = Safetensors::read(STRATA_SOURCE_DIR "/tests/reference/two_layer_mnist.safetensors");
  const RunConfig config = from_metadata(file.metadata);
  Rng rng;
  Subject result{Vae<float>(model_config(config, 784, 10), rng), {}};
  restore(result.model, file);
  const ImageData mnist = load({.data = std::getenv("STRATA_MNIST_DIR"), .no_download = true});
  result.images = test_batch(mnist.test, count, config, 0);
  return result;
}

double mean_nll(const std::vector<LikelihoodEstimate>& estimates) {
  double sum = 0;
  for (const auto& estimate : estimates) sum -= estimate.log_likelihood;
  return sum / static_cast<double>(estimates.size());
}

}  // namespace

TEST_CASE("A model that an earlier version wrote under another name is read; any other is named") {
  const TemporaryFolder folder;
  auto file = Safetensors::read(STRATA_SOURCE_DIR "/tests/reference/two_layer_mnist.safetensors");
  REQUIRE(file.metadata["strata.model"] == "markov_hvae");
  file.write(folder / "model.safetensors");
  CHECK(load_run(folder.path()).config.latent == std::vector<std::size_t>{8, 4});
  file.metadata["strata.model"] = "other";
  file.write(folder / "model.safetensors");
  CHECK_THROWS_WITH(load_run(folder.path()), Contains("its model is 'other', not 'vae'"));
}

TEST_CASE("A small model's NLL is 143.04, of which 5,000 draws from the encoder give a bound") {
  if (std::getenv("STRATA_MNIST_DIR") == nullptr) return;
  const auto [model, images] = subject(10);
  const auto plain = estimate_likelihood(model, images, {.samples = 5000});
  const auto refined = estimate_refined(model, images, {});
  for (std::size_t i = 0; i < 10; ++i) {
    INFO("image " << i << ": encoder " << plain[i].log_likelihood << " (" << from_encoder[i] << "), ESS "
                  << plain[i].effective_samples << "; refined " << refined[i].log_likelihood << " ± "
                  << refined[i].standard_error() << ", ESS " << refined[i].effective_samples);
    CHECK(refined[i].log_likelihood == Approx(reference[i]).margin(0.2));
    CHECK(plain[i].log_likelihood == Approx(from_encoder[i]).margin(1.5));
    CHECK(refined[i].effective_samples > 100);
  }
  CHECK(mean_nll({refined.begin(), refined.end()}) == Approx(143.04).margin(0.05));
  CHECK(mean_nll({plain.begin(), plain.end()}) > 144);
}

TEST_CASE("Annealing agrees with the refined NLL") {
  if (std::getenv("STRATA_MNIST_DIR") == nullptr) return;
  const auto [model, images] = subject(10);
  const auto annealed = estimate_annealed(model, images, {.temperatures = 500});
  for (std::size_t i = 0; i < 10; ++i) {
    INFO("image " << i << ": " << annealed[i].log_likelihood << " ± " << annealed[i].standard_error());
    CHECK(annealed[i].log_likelihood == Approx(reference[i]).margin(0.8));
  }
  CHECK(mean_nll(annealed) == Approx(143.04).margin(0.15));
}
