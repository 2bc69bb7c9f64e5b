// Reductions over any axes. Negative axes count from the last.
#pragma once

#include <vector>

#include "strata/autograd/axes.hpp"
#include "strata/autograd/tape.hpp"

namespace strata {

/// Σ x over all axes: a tensor of rank 0.
template <class T> Var<T> sum(Var<T> x);
/// Σ x over the given axes; over none, {}, it is x (PyTorch: over all). Throws for an axis out of range or
/// named twice.
template <class T> Var<T> sum(Var<T> x, const Axes& axes, KeepAxes keep = KeepAxes::no);
/// The mean over all axes. Throws for an empty tensor (PyTorch: NaN).
template <class T> Var<T> mean(Var<T> x);
/// The mean over the given axes.
template <class T> Var<T> mean(Var<T> x, const Axes& axes, KeepAxes keep = KeepAxes::no);
/// The largest element over the given axes; equal ones share its gradient equally, as
/// PyTorch's amax has it, not its max. Throws for an empty tensor.
template <class T> Var<T> max(Var<T> x, const Axes& axes, KeepAxes keep = KeepAxes::no);
/// The smallest element over the given axes, −max(−x).
template <class T> Var<T> min(Var<T> x, const Axes& axes, KeepAxes keep = KeepAxes::no);
/// ln Σ eˣ over one axis. −∞, with gradient 0, where all x are (PyTorch: NaN); ∞ where one x is, whose
/// gradient is NaN.
template <class T> Var<T> logsumexp(Var<T> x, std::ptrdiff_t axis = -1, KeepAxes keep = KeepAxes::no);
/// eˣ / Σ eˣ along one axis: the gradient of logsumexp. It is 0, and no distribution, where all x are −∞
/// (nothing is left unmasked; PyTorch: NaN), and NaN where x is ∞.
template <class T> Var<T> softmax(Var<T> x, std::ptrdiff_t axis = -1);
/// x − ln Σ eˣ along one axis: the logarithm of softmax, exact where that underflows; −∞ where all x are
/// (PyTorch: NaN).
template <class T> Var<T> log_softmax(Var<T> x, std::ptrdiff_t axis = -1);
/// y_k = x_0 + ... + x_k along one axis.
template <class T> Var<T> cumsum(Var<T> x, std::ptrdiff_t axis = -1);

/// The places of the largest elements along the last axis, the first among equal ones, row by row; of a NaN
/// where there is one.
template <class T> std::vector<std::size_t> argmax(Var<T> x);
/// The places of the smallest.
template <class T> std::vector<std::size_t> argmin(Var<T> x);

}  // namespace strata
