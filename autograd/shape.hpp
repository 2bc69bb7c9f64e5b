// Operations that rearrange elements.
#pragma once

#include <initializer_list>
#include <vector>

#include "strata/autograd/axes.hpp"
#include "strata/autograd/tape.hpp"

namespace strata {

/// The same elements, in memory order, under another shape; one size may be −1: the others determine it.
/// Throws where they do not, or do not fit.
template <class T> Var<T> reshape(Var<T> x, const Sizes& sizes);
/// x with one more axis, which is y's axis `axis`, of size 1, or of another `size` along which x is repeated.
template <class T> Var<T> unsqueeze(Var<T> x, std::ptrdiff_t axis, std::size_t size = 1);
/// The axes in reverse order: the transpose of a matrix.
template <class T> Var<T> transpose(Var<T> x);
/// y's k-th axis is x's axes[k]-th.
template <class T> Var<T> transpose(Var<T> x, const Axes& axes);
/// The inputs one after another along an axis; all other sizes must agree.
template <class T> Var<T> concatenate(std::initializer_list<Var<T>> inputs, std::ptrdiff_t axis);
template <class T> Var<T> concatenate(const std::vector<Var<T>>& inputs, std::ptrdiff_t axis);
/// The elements begin ... end − 1 along an axis.
template <class T> Var<T> slice(Var<T> x, std::ptrdiff_t axis, std::size_t begin, std::size_t end);
/// x repeated along its axes of size 1, and along new leading axes, until it has this shape.
template <class T> Var<T> broadcast(Var<T> x, const Shape& shape);
/// y_i = x_rows[i]: rows along the first axis, in any order, any number of times.
template <class T> Var<T> gather_rows(Var<T> x, const std::vector<std::size_t>& rows);
/// Every row along the first axis `times` times, one after another: y_(i times + k) = x_i. Throws for 0
/// times.
template <class T> Var<T> repeat_rows(Var<T> x, std::size_t times);
/// The strictly lower triangular matrices (..., L, L) with rows l_21, l_31, l_32, ... in `entries`
/// (..., L (L − 1) / 2). Throws for another number of entries.
template <class T> Var<T> strictly_lower(Var<T> entries);
/// Unit vectors (..., classes) for labels 0 ... classes − 1 in x (...), as a constant. Throws for any other
/// number, naming the first, and for an x that needs a gradient.
template <class T> Var<T> one_hot(Var<T> x, std::size_t classes);

}  // namespace strata
