// Checks derivatives against finite differences, for operations and for whole models.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "strata/autograd/tape.hpp"

namespace strata {

struct GradcheckOptions {
  double tolerance = 1e-7;  ///< the largest relative error that passes, beside the finite differences' own
  double step = 3e-4;       ///< the first of the finite differences, times max(1, |x|)
  std::size_t full_size =
      20'000;                  ///< up to so many Jacobian entries all are compared; above, random directions
  std::size_t directions = 8;  ///< how many, above
  std::uint64_t seed = 0;      ///< of the directions, cotangents and moved points
};

struct GradcheckReport {
  bool ok = true;
  double error = 0;           ///< the largest relative error met
  std::string message;        ///< what failed, where, by how much; empty if nothing did
  std::string note;           ///< what is worth knowing though it is no fault: kinks, a constant function
  std::size_t checked = 0;    ///< Jacobian entries, or directions, that were compared
  std::size_t kinks = 0;      ///< of these, where f is not differentiable within the step
  std::size_t undecided = 0;  ///< of these, where finite differences are too uncertain to judge
};

/// A tensor that a function reads through `Tape::reference`, and where its gradient goes.
struct GradcheckInput {
  std::string name;
  Versioned<double>* tensor;
  Gradient<double>* gradient;
};

/// Compares ∂y/∂inputs as `backward` gives them with finite differences, for y = f(tape, inputs), a tensor of
/// any shape:
///
///     CHECK(gradcheck([](auto&, auto& x) { return tanh(x[0]) * x[1]; }, {a, b}).ok);
///
/// Small functions are checked entry by entry of the Jacobian, large ones along random directions u with
/// random cotangents v: vᵀ(Ju) = (Jᵀv)·u. Each derivative is extrapolated from central differences of
/// shrinking steps with an estimate of its own error (Ridders 1982), and
///
/// - passes if |backward − numeric| ≤ tolerance · size + 4 · estimated error;
/// - is *undecided* if that error hides a derivative wrong by 0.01 % and is not small beside the output's
///   other derivatives either. A few such entries pass; more than 2 and 1 %, or all of an output, fail;
/// - is *at a kink* if the slopes to the left and right disagree, as those of relu at 0. It is compared again
///   with smaller steps, and where these do not help at points moved by about 1 %.
///
/// A step that leaves the domain of f (which then gives NaN or ±∞, or throws std::invalid_argument) is
/// replaced by smaller ones. Also demanded: a second run gives identical values and gradients, and twice the
/// cotangent gives twice the gradient. A function that depends on no input passes if its finite differences
/// are 0.
///
/// Random numbers inside f are the caller's: f sets its Rng itself, so that every run draws the same.
GradcheckReport gradcheck(const std::function<Var<double>(Tape<double>&, const std::vector<Var<double>>&)>& f,
                          const std::vector<Tensor<double>>& inputs, const GradcheckOptions& options = {});

/// The same for a function of tensors that live elsewhere, such as a model's parameters. Their values and
/// gradients are restored, also when f throws.
GradcheckReport gradcheck(const std::function<Var<double>(Tape<double>&)>& f,
                          const std::vector<GradcheckInput>& inputs, const GradcheckOptions& options = {});

}  // namespace strata
