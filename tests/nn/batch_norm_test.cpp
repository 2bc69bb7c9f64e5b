#include "strata/nn/batch_norm.hpp"

#include <catch2/catch.hpp>

#include "strata/autograd/arithmetic.hpp"
#include "strata/autograd/reduce.hpp"
#include "strata/nn/gradcheck.hpp"
#include "strata/tensor/random.hpp"
#include "strata/tests/reference.hpp"

using namespace strata;

TEST_CASE("Batch normalisation reproduces the reference: values, gradients, running statistics, inference") {
  const tests::Reference reference("batch_norm");
  BatchNorm<double> norm(5);
  reference.set(norm.gamma, "gamma");
  reference.set(norm.beta, "beta");
  Tape<double> tape;
  const auto cotangent = tape.constant(reference["input.cotangent"]);
  std::vector<Var<double>> x;
  Var<double> loss;
  for (const std::string k : {"0", "1", "2"}) {
    x.push_back(tape.variable(reference["input.x." + k]));
    const auto y = norm(x.back(), {Mode::train});
    reference.check(y.value(), "output.y." + k);
    const auto term = sum(cotangent * y);
    loss = k == "0" ? term : loss + term;
  }
  tape.backward(loss);
  for (std::size_t k = 0; k < 3; ++k) reference.check(x[k].grad(), "output.x_grad." + std::to_string(k));
  reference.check_gradient(norm.gamma, "gamma");
  reference.check_gradient(norm.beta, "beta");
  reference.check(norm.running_mean.value(), "output.running_mean");
  reference.check(norm.running_variance.value(), "output.running_variance");
  reference.check(norm(x[0]).value(), "output.inference");
}

TEST_CASE("Inference leaves the running statistics alone and differentiates through x and the parameters") {
  BatchNorm<double> norm(3);
  Rng rng{1};
  auto x = Tensor<double>::from_shape({4, 3});
  fill_normal(rng, x);
  fill_normal(rng, norm.gamma.write());
  norm.running_variance.write() = {0.5, 1, 2};
  const auto before = norm.running_mean.value();
  const auto report = gradcheck(norm, [&](Tape<double>& tape) { return norm(tape.constant(x)); });
  CHECK(report.message == "");
  CHECK(gradcheck([&](auto&, auto& v) { return norm(v[0]); }, {x}).message == "");
  CHECK((norm.running_mean.value() == before));
}

TEST_CASE("A constant column is normalised to beta, and its gradient is finite") {
  BatchNorm<double> norm(2);
  norm.beta.write() = {3, 4};
  Tape<double> tape;
  const auto x = tape.variable({{5, 1}, {5, 2}, {5, 3}});
  const auto y = norm(x, {Mode::train});
  CHECK((xt::view(y.value(), xt::all(), 0) == Tensor<double>{3, 3, 3}));
  tape.backward(sum(y * tape.constant({{1, 1}, {2, 3}, {3, 2}})));
  CHECK(xt::all(xt::isfinite(x.grad())));
  CHECK(norm.gamma.gradient.value(0) == 0);
}

TEST_CASE("Inference refuses another width instead of broadcasting") {
  Tape<double> tape;
  const BatchNorm<double> norm(3);
  CHECK_THROWS_WITH(norm(tape.constant(xt::ones<double>({4, 1}))),
                    "[BatchNorm] x is (4, 1), the layer's width is (3)");
  CHECK_THROWS_WITH(norm(tape.constant(Tensor<double>(1.0))),
                    "[BatchNorm] x is (), the layer's width is (3)");
}

TEST_CASE("Batch statistics need a matrix with rows") {
  Tape<double> tape;
  BatchNorm<double> norm(3);
  CHECK_THROWS_WITH(
      norm(tape.constant(xt::ones<double>({3})), {Mode::train}),
      "[batch_norm] needs x (..., D) with rows, gamma (D) and beta (D): x is (3), gamma is (3), beta is (3)");
  CHECK_THROWS_WITH(norm(tape.constant(xt::ones<double>({1, 3})), {Mode::train}),
                    "[BatchNorm] training normalises over the rows of a batch, of which there must be two at "
                    "least; x is (1, 3)");
  CHECK((norm.running_variance.value() == Tensor<double>{1, 1, 1}));
  CHECK_THROWS_WITH(norm(tape.constant(xt::ones<double>({4, 2})), {Mode::train}),
                    "[batch_norm] needs x (..., D) with rows, gamma (D) and beta (D): x is (4, 2), gamma is "
                    "(3), beta is (3)");
}
