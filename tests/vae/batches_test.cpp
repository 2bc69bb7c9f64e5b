#include "strata/vae/batches.hpp"

#include <catch2/catch.hpp>

#include "strata/autograd/operations.hpp"

using namespace strata;

TEST_CASE("Batches hold the named examples, as they are, thresholded, or drawn") {
  const Dataset bytes{Tensor<std::uint8_t>{{0, 51, 127, 128}, {255, 204, 64, 1}}};
  Batch<double> batch;
  Rng rng{1};
  const std::vector<std::size_t> rows = {1, 0, 1};
  gather(bytes, rows, Binarize::none, rng, batch);
  CHECK(xt::allclose(batch.x.value(),
                     Tensor<double>{{1, 0.8, 64 / 255.0, 1 / 255.0},
                                    {0, 0.2, 127 / 255.0, 128 / 255.0},
                                    {1, 0.8, 64 / 255.0, 1 / 255.0}},
                     1e-14));
  CHECK(!batch.condition);
  gather(bytes, rows, Binarize::threshold, rng, batch);
  CHECK((batch.x.value() == Tensor<double>{{1, 1, 0, 0}, {0, 0, 0, 1}, {1, 1, 0, 0}}));
  Tensor<double> sum = xt::zeros<double>({3, 4});
  for (int draw = 0; draw < 4000; ++draw) {
    gather(bytes, rows, Binarize::dynamic, rng, batch);
    sum += batch.x.value() / 4000.0;
  }
  CHECK(sum(0, 0) == Approx(1));
  CHECK(sum(1, 0) == 0);
  CHECK(sum(0, 1) == Approx(0.8).margin(0.03));
  CHECK(sum(1, 2) == Approx(127 / 255.0).margin(0.03));
}

TEST_CASE("A batch that is gathered anew before backward is refused") {
  const Dataset bytes{Tensor<std::uint8_t>{{0, 51}, {255, 204}}};
  Batch<double> batch;
  Rng rng{1};
  gather(bytes, std::vector<std::size_t>{0}, Binarize::none, rng, batch);
  Tape<double> tape;
  const auto w = tape.variable({1, 1});
  const auto y = sum(w * batch.on(tape).x);
  gather(bytes, std::vector<std::size_t>{1}, Binarize::none, rng, batch);
  CHECK_THROWS_WITH(tape.backward(y),
                    Catch::Matchers::Contains("a tensor that 'multiply' reads was changed"));
}

TEST_CASE("Few labels are as many of each class, at random; the others are unknown, those known repeated") {
  Dataset data{Tensor<std::uint8_t>(Shape{60, 2}, std::uint8_t{0}), Tensor<std::uint32_t>(Shape{60}, 0u), 3};
  for (std::size_t i = 0; i < 60; ++i) {
    (*data.labels)(i) = static_cast<std::uint32_t>(i < 40 ? 0 : 1 + i % 2);
    std::get<Tensor<std::uint8_t>>(data.examples)(i, 0) = static_cast<std::uint8_t>(i);
  }
  Rng rng{4};
  const Dataset few = with_few_labels(data, 7, 3, rng);
  REQUIRE(few.size() == 60 + 2 * 7);
  std::vector<std::size_t> of_class(3), times(60);
  for (std::size_t i = 0; i < few.size(); ++i) {
    const std::uint32_t label = (*few.labels)(i);
    const std::size_t image = std::get<Tensor<std::uint8_t>>(few.examples)(i, 0);
    if (i < 60) CHECK(image == i);
    if (label == unknown_label) continue;
    CHECK(label == (*data.labels)(image));
    ++of_class[label], ++times[image];
  }
  std::sort(of_class.begin(), of_class.end());
  CHECK(of_class == std::vector<std::size_t>{6, 6, 9});
  for (const std::size_t count : times) CHECK((count == 0 || count == 3));
  CHECK((*with_few_labels(data, 7, 3, rng).labels != *few.labels));
  Batch<float> batch;
  gather(few, std::vector<std::size_t>{0, 60}, Binarize::none, rng, batch);
  CHECK(xt::sum(xt::view(batch.condition->value(), 1))() == 1);
  CHECK_THROWS_WITH(with_few_labels(data, 61, 1, rng), Catch::Matchers::Contains("1 to 60 of them"));
  CHECK_THROWS_WITH(with_few_labels(Dataset{data.examples}, 6, 1, rng),
                    Catch::Matchers::Contains("there are none"));
}

TEST_CASE("Examples may be numbers, labels become unit vectors, and some can be held out") {
  const Dataset data{Tensor<float>{{0.25f, -1}, {2, 0}, {3, 4}}, Tensor<std::uint8_t>{1, 0, 2}, 3};
  Rng rng;
  const auto batch = first_examples<float>(data, 2, Binarize::none, rng);
  CHECK((batch.x.value() == Tensor<float>{{0.25f, -1}, {2, 0}}));
  CHECK((batch.condition->value() == Tensor<float>{{0, 1, 0}, {1, 0, 0}}));
  CHECK((mean_example(data) == Tensor<float>{1.75f, 1}));
  CHECK((batch.rows(1, 2).x.value() == Tensor<float>{{2, 0}}));
  CHECK((batch.rows(1, 2).condition->value() == Tensor<float>{{1, 0, 0}}));

  const auto [training_set, validation] = split(data, 1);
  CHECK(training_set.size() == 2);
  CHECK((std::get<Tensor<float>>(validation.examples) == Tensor<float>{{3, 4}}));
  CHECK((*validation.labels == Tensor<std::uint8_t>{2}));
  CHECK_THROWS_WITH(split(data, 3), Catch::Matchers::Contains("[split] 3 of 3 examples cannot be held out"));
  CHECK_THROWS_WITH(require_examples("here", {data.examples, data.labels, 2}),
                    "[here] label 2 of example 2 is none of 2 classes");
}
