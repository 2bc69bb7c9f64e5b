// Gradient checks of whole models.
#pragma once

#include "strata/autograd/gradcheck.hpp"
#include "strata/nn/fields.hpp"

namespace strata {

/// Compares ∂f/∂parameters of a model, but frozen ones, in double precision with finite differences; see
/// autograd/gradcheck.hpp.
///
///     const auto report = gradcheck(model, [&](auto& tape) {
///       Rng rng{1};
///       return model.pass({tape.constant(x)}, rng, training(rng)).elbo();
///     });
///     CHECK(report.message == "");
template <class Module> GradcheckReport gradcheck(Module& module,
                                                  const std::function<Var<double>(Tape<double>&)>& f,
                                                  const GradcheckOptions& options = {}) {
  std::vector<GradcheckInput> inputs;
  for (const auto& [name, parameter] : parameters<double>(module))
    if (!parameter->frozen) inputs.push_back({name, &parameter->value, &parameter->gradient});
  return gradcheck(f, inputs, options);
}

}  // namespace strata
