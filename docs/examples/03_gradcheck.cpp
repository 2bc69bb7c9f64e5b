// A gradient check that can be believed: it knows the error of its finite differences, tells kinks from
// mistakes, and says which entry is wrong by how much.
//
// Prints:
//   a right derivative: ok, 20 entries compared
//   a derivative wrong by 0.1 %: rejected
//   relu at 0: ok, 1 entry at a kink
//   a whole network: ok
#include <cstdio>
#include <strata/autograd/operations.hpp>
#include <strata/nn/gradcheck.hpp>
#include <strata/nn/mlp.hpp>

using namespace strata;

// y = x³, whose derivative is taken times 1 + error
template <class T> Var<T> cube(Var<T> x, T error) {
  return record("cube", {x}, x.value() * x.value() * x.value(), [x, error](Var<T> y) {
    x.accumulate(y.grad() * (T(3) * (T(1) + error)) * x.value() * x.value());
  });
}

int main() {
  Rng rng{1};
  Tensor<double> x(Shape{20});
  fill_normal(rng, x);
  for (const double error : {0.0, 1e-3}) {
    const auto report = gradcheck([&](auto&, auto& in) { return cube(in[0], error); }, {x});
    if (report.ok)
      std::printf("a right derivative: ok, %zu entries compared\n", report.checked / x.size());
    else
      std::printf("a derivative wrong by 0.1 %%: rejected\n");  // report.message has the place
  }

  const Tensor<double> around_zero = {-1.0, 0.0, 2.0};
  const auto kink = gradcheck([](auto&, auto& in) { return relu(in[0]); }, {around_zero});
  std::printf("relu at 0: %s, %zu entry at a kink\n", kink.ok ? "ok" : "rejected", kink.kinks);

  Mlp<double> network(20, {10, 5}, {.activation = Activation::tanh, .batch_norm = true}, rng);
  Tensor<double> batch(Shape{8, 20});
  fill_normal(rng, batch);
  const auto whole = gradcheck(network, [&](Tape<double>& tape) {
    Rng noise{2};  // every run draws the same
    return sum(square(network(tape.constant(batch), training(noise))));
  });
  std::printf("a whole network: %s\n", whole.ok ? "ok" : whole.message.c_str());
}
