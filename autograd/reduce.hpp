// Reductions over any axes. Negative axes count from the last.
#pragma once

#include "autograd/tape.hpp"

namespace strata {

/// The axes to reduce.
using Axes = xt::svector<std::ptrdiff_t, 4>;

/// Whether a reduced axis disappears or stays with size 1.
enum class KeepAxes { no, yes };

/// Σ x over all axes: a tensor of rank 0.
template <class T> Var<T> sum(Var<T> x);
/// Σ x over the given axes. Throws for an axis out of range or named twice.
template <class T> Var<T> sum(Var<T> x, const Axes& axes, KeepAxes keep = KeepAxes::no);
/// The mean over all axes. Throws for an empty tensor.
template <class T> Var<T> mean(Var<T> x);
/// The mean over the given axes.
template <class T> Var<T> mean(Var<T> x, const Axes& axes, KeepAxes keep = KeepAxes::no);
/// ln Σ eˣ over one axis. −∞ where all x are.
template <class T> Var<T> logsumexp(Var<T> x, std::ptrdiff_t axis = -1, KeepAxes keep = KeepAxes::no);
/// eˣ / Σ eˣ along one axis.
template <class T> Var<T> softmax(Var<T> x, std::ptrdiff_t axis = -1);

}  // namespace strata
