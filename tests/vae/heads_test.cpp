#include "strata/vae/heads.hpp"

#include <catch2/catch.hpp>

#include "strata/autograd/reduce.hpp"
#include "strata/tests/random_tensor.hpp"

using namespace strata;
using tests::normals;

TEST_CASE("A head's scale is ln σ² itself, or σ = softplus of it") {
  Rng rng{1};
  for (const auto kind : {Scale::log_variance, Scale::softplus}) {
    const NormalHead<double> head(3, {4}, 2, {}, rng, kind);
    Tape<double> tape;
    const auto x = tape.constant(normals({5, 3}, 1));
    const auto h = head.body(x);
    const Tensor<double> s = head.scale(h).value();
    Tensor<double> expected = s;
    if (kind == Scale::softplus) expected = 2.0 * xt::log(xt::log1p(xt::exp(s)));
    CHECK(xt::allclose(head(x).log_variance.value(), expected, 1e-12, 0));
    CHECK((head(x).mean.value() == head.mean(h).value()));
  }
}

TEST_CASE("A clamped log variance lies within [−6, 2], and moves with its network between") {
  Rng rng{1};
  NormalHead<double> head(3, {}, 2, {}, rng, Scale::clamped);
  head.scale.weight.write().fill(1);
  head.scale.bias.write().fill(0);
  Tape<double> tape;
  const auto q = head(tape.constant({{-3, -3, -3}, {1, 1, 1}, {0.5, -1, 0.25}}));
  const Tensor<double>& s = q.log_variance.value();
  CHECK((s(0, 0) == -6 && s(1, 1) == 2 && s(2, 0) == -0.25));
  tape.backward(sum(q.log_variance));
  CHECK((head.scale.bias.gradient.value == Tensor<double>{1, 1}));  // of the last row alone
}
