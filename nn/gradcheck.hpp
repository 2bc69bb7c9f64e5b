// Gradient checks of whole models.
#pragma once

#include "strata/autograd/gradcheck.hpp"
#include "strata/nn/snapshot.hpp"

namespace strata {

/// Compares ∂f/∂parameters of a model, but frozen ones, in double precision with finite differences; see
/// autograd/gradcheck.hpp.
///
///     const auto report = gradcheck(model, [&](auto& tape) {
///       Rng rng{1};
///       return model.pass({tape.constant(x)}, rng, training(rng)).elbo();
///     });
///     CHECK(report.message == "");
///
/// Every run of f starts with the model's buffers (running averages) as they are now. They, the parameters
/// and their gradients are restored afterwards; an Rng that f draws from is f's own to set, as above.
template <class Module> GradcheckReport gradcheck(Module& module,
                                                  const std::function<Var<double>(Tape<double>&)>& f,
                                                  const GradcheckOptions& options = {}) {
  std::vector<GradcheckInput> inputs;
  for (const auto& [name, parameter] : parameters<double>(module))
    if (!parameter->frozen) inputs.push_back({name, parameter, &parameter->gradient});
  const struct Restored : Snapshot<double> {
    using Snapshot::Snapshot;
    ~Restored() { restore(); }
  } buffers(module);
  return gradcheck(
      [&](Tape<double>& tape) {
        buffers.restore();
        return f(tape);
      },
      inputs, options);
}

}  // namespace strata
