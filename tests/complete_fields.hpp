// Whether a module lists all its parameters.
#pragma once

#include <catch2/catch.hpp>

#include "strata/nn/fields.hpp"

namespace strata::tests {

/// With every listed parameter frozen, nothing is left that f(tape), a value of the module, could be
/// differentiated by: a parameter that the list omits would be; and thawed, every one of them is reached.
template <class Module, class F> void check_complete_fields(Module& module, F f) {
  freeze(module);
  Tape<double> tape;
  CHECK(!f(tape).needs_grad());
  thaw(module);
  discard_gradients(module);
  tape.reset();
  tape.backward(f(tape));
  for (const auto& [name, parameter] : parameters<double>(module)) {
    INFO(name);
    CHECK(parameter->gradient.received);
  }
  discard_gradients(module);
}

}  // namespace strata::tests
