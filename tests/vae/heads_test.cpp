#include "strata/vae/heads.hpp"

#include <catch2/catch.hpp>

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
