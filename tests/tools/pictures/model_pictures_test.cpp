#include "strata/tools/pictures/model_pictures.hpp"

#include <catch2/catch.hpp>

#include "strata/vae/models/vae.hpp"

using namespace strata;
using namespace strata::tools;

TEST_CASE("The manifold's grid has equal steps of probability, or of z") {
  const auto probability = [](float z) { return std::erfc(-z / std::sqrt(2.0)) / 2; };
  const Tensor<float> z = tools::detail::manifold_points(ManifoldGrid::quantiles);
  REQUIRE((z.shape() == Shape{400, 2}));
  for (std::size_t row = 0; row < 20; ++row)
    for (std::size_t column = 0; column < 20; ++column) {
      CHECK(probability(z(20 * row + column, 0)) == Approx((static_cast<double>(column) + 0.5) / 20));
      CHECK(probability(z(20 * row + column, 1)) == Approx((19.5 - static_cast<double>(row)) / 20));
    }
  const Tensor<float> linear = tools::detail::manifold_points(ManifoldGrid::linear);
  CHECK(linear(0, 0) == -2);
  CHECK(linear(0, 1) == 2);
  CHECK(linear(399, 0) == 2);
}

TEST_CASE("Pictures are of any image's shape, with labels or without") {
  Rng rng{1};
  for (const std::vector<std::string>& labels : {{}, std::vector<std::string>{"cat", "dog", "fox"}}) {
    const Vae<float> vae(
        {.data = 24, .hidden = {8}, .latent = {3, 2}, .upper_hidden = {6}, .condition = labels.size()}, rng);
    Dataset data{Tensor<std::uint8_t>(Shape{20, 4, 6}, std::uint8_t{100})};
    data.labels = Tensor<std::uint32_t>(Shape{20}, 2u);
    data.classes = 3;
    const auto batch = first_examples<float>(data, 20, Binarize::threshold, rng);
    const PictureOptions options{data.example_shape(), labels, 0};
    // As large as its images, and a frame of words.
    const auto holds = [](const Tensor<std::uint8_t>& picture, std::size_t height, std::size_t width) {
      CHECK((picture.shape(0) > height && picture.shape(0) < height + 80));
      CHECK((picture.shape(1) > width && picture.shape(1) < width + 80));
      CHECK(picture.shape(2) == 3);
    };
    holds(picture_samples(vae, options), 10 * (9 * 4 + 2) + 2, 10 * (9 * 6 + 2) + 2);
    holds(picture_layer(vae, 2, options), 8 * 38 + 2, 10 * 56 + 2);
    holds(picture_interpolations(vae, batch, options), 8 * 38 + 2, 10 * 56 + 2);
    holds(picture_interpolations(vae, batch.rows(0, 11), options), 5 * 38 + 2, 10 * 56 + 2);
    holds(picture_reconstructions(vae, batch, options), 4 * 38 + 8, 16 * 56 + 2);
    const auto [input, output] = picture_pairs(vae, batch, options);
    CHECK((input.shape() == Shape{3 * 38 + 2, 8 * 56 + 2}));
    CHECK((output.shape() == input.shape()));
    CHECK(picture_latents(vae, data, batch).shape()[2] == 3);
    CHECK((picture_latents(vae, data, batch, {"cat", "dog"}) != picture_latents(vae, data, batch)));
    CHECK_THROWS_WITH(picture_samples(vae, {{5, 5}, labels, 0}),
                      "[pictures] examples of 24 values are no images (5, 5)");
    CHECK_THROWS_WITH(picture_samples(vae, {{24}, labels, 0}),
                      "[pictures] examples are (24), no images; data (N, height, width) are pictured");
    CHECK_THROWS_WITH(picture_interpolations(vae, batch.rows(0, 1), options),
                      "[pictures] one example has no other to be interpolated to; give two at least");
    data.labels.reset();
    CHECK(picture_latents(vae, data, batch).shape()[2] == 3);
  }
}
