// A tape records operations and walks back through them.
//
// Prints:
//   y = 0.5 (1.5² + 2²) + 0.25 ln 2 = 3.298
//   dy/da = {1.500, 2.125}
//   step 0: loss 9.000, w = 0.000
//   step 1: loss 2.250, w = 1.500
//   step 2: loss 0.562, w = 2.250
//   step 3: loss 0.141, w = 2.625
//   backward is refused: w changed since the tape referred to it
#include <cstdio>
#include <stdexcept>
#include <strata/autograd/operations.hpp>
#include <strata/nn/parameter.hpp>

using namespace strata;

int main() {
  Tape<double> tape;
  const Var<double> a = tape.variable({1.5, 2.0});                    // to differentiate with respect to
  const Var<double> weight = tape.constant({0.0, 0.25});              // no gradient flows into it
  const Var<double> y = 0.5 * sum(square(a)) + sum(weight * log(a));  // () of rank 0
  tape.backward(y);
  std::printf("y = 0.5 (1.5² + 2²) + 0.25 ln 2 = %.3f\n", y.value()());
  std::printf("dy/da = {%.3f, %.3f}\n", a.grad()(0), a.grad()(1));

  // A parameter lives outside the tape. `on` refers to it, and `backward` leaves its gradient with it.
  Parameter<double> w{Tensor<double>{0.0}};
  for (int step = 0; step < 4; ++step) {
    tape.reset();  // ends the step; its buffers stay for the next one, which allocates nothing
    const Var<double> loss = sum(square(w.on(tape) - 3.0));
    tape.backward(loss);
    std::printf("step %d: loss %.3f, w = %.3f\n", step, loss.value()(), w.value()(0));
    w.write() -= 0.25 * w.gradient.value;  // `write` counts: a tape knows that what it read is no more
    w.gradient.received = false;           // else the next `backward` adds to it
  }

  tape.reset();
  const Var<double> loss = sum(square(w.on(tape)));
  w.write() *= 2.0;
  try {
    tape.backward(loss);
  } catch (const std::logic_error&) {
    std::puts("backward is refused: w changed since the tape referred to it");
  }
}
