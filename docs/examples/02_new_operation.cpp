// An operation of one's own is one function: its value as one expression, its derivative as one per input.
//
// Prints:
//   swish(1) = 0.7311, its derivative 0.9277
//   weighted dot: 4.0000, with respect to u: {5.0000, 2.0000}
//   both are right by finite differences
#include <cstdio>
#include <strata/autograd/gradcheck.hpp>
#include <strata/autograd/operations.hpp>

using namespace strata;

// y = x σ(x)        x̄ += ȳ (σ(x) + y (1 − σ(x)))
template <class T> Var<T> swish(Var<T> x) {
  const auto sigmoid = [](const Tensor<T>& v) { return T(1) / (T(1) + xt::exp(-v)); };
  return record("swish", {x}, x.value() * sigmoid(x.value()), [x, sigmoid](Var<T> y) {
    x.accumulate(y.grad() * (sigmoid(x.value()) + y.value() * (T(1) - sigmoid(x.value()))));
  });
}

// y = Σ u_i v_i i, with weights i = 1 ... N        ū += ȳ i v    v̄ += ȳ i u
// Made of operations that exist, it needs no derivative of its own.
template <class T> Var<T> weighted_dot(Var<T> u, Var<T> v) {
  const Tensor<T> place = xt::arange<T>(T(1), static_cast<T>(u.shape()[0] + 1));
  return sum(u * v * u.tape().constant(place));
}

int main() {
  Tape<double> tape;
  const auto x = tape.variable({1.0});
  tape.backward(sum(swish(x)));
  std::printf("swish(1) = %.4f, its derivative %.4f\n", swish(x).value()(0), x.grad()(0));

  tape.reset();
  const auto u = tape.variable({2.0, -3.0}), v = tape.variable({5.0, 1.0});
  const auto y = weighted_dot(u, v);
  tape.backward(y);
  std::printf("weighted dot: %.4f, with respect to u: {%.4f, %.4f}\n", y.value()(), u.grad()(0), u.grad()(1));

  const Tensor<double> a = {-3.0, -0.5, 0.0, 2.0}, b = {1.0, 2.0, -1.0, 0.5};
  const bool right = gradcheck([](auto&, auto& in) { return swish(in[0]); }, {a}).ok &&
                     gradcheck([](auto&, auto& in) { return weighted_dot(in[0], in[1]); }, {a, b}).ok;
  std::printf("both are %s by finite differences\n", right ? "right" : "wrong");
}
