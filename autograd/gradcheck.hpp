// Checks derivatives against finite differences, for operations and for whole models.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "strata/autograd/tape.hpp"

namespace strata {

struct GradcheckOptions {
  double tolerance = 1e-7;  ///< the largest relative error that passes
  double step = 3e-4;       ///< of the finite differences, times max(1, |x|)
  std::size_t full_size =
      20'000;                  ///< up to so many Jacobian entries all are compared; above, random directions
  std::size_t directions = 8;  ///< how many, above
  std::uint64_t seed = 0;      ///< of the directions and cotangents
};

struct GradcheckReport {
  bool ok = true;
  double error = 0;     ///< the largest relative error met
  std::string message;  ///< what failed, and where; empty if nothing did
};

/// A tensor that a function reads through `Tape::reference`, and where its gradient goes.
struct GradcheckInput {
  std::string name;
  Tensor<double>* value;
  Gradient<double>* gradient;
};

/// Compares ∂y/∂inputs as `backward` gives them with central differences of fourth order, for y = f(tape,
/// inputs), a tensor of any shape:
///
///     CHECK(gradcheck([](auto&, auto& x) { return tanh(x[0]) * x[1]; }, {a, b}).ok);
///
/// Small functions are checked entry by entry of the Jacobian, large ones along random directions u with
/// random cotangents v: vᵀ(Ju) = (Jᵀv)·u. The error of an entry is relative to the entry, or to 0.001 of the
/// largest one if that is more. Also demanded: a second run gives identical values and gradients, and twice
/// the cotangent gives twice the gradient.
GradcheckReport gradcheck(const std::function<Var<double>(Tape<double>&, const std::vector<Var<double>>&)>& f,
                          const std::vector<Tensor<double>>& inputs, const GradcheckOptions& options = {});

/// The same for a function of tensors that live elsewhere, such as a model's parameters. Their values are
/// restored.
GradcheckReport gradcheck(const std::function<Var<double>(Tape<double>&)>& f,
                          const std::vector<GradcheckInput>& inputs, const GradcheckOptions& options = {});

}  // namespace strata
