// Lists of axes and sizes, as operations take them, and how they see an axis.
#pragma once

#include <concepts>
#include <initializer_list>

#include "strata/tensor/tensor.hpp"

namespace strata {

namespace detail {

template <class R>
concept NumberRange = std::integral<typename R::value_type>;

/// A short list of whole numbers. It is a type of strata's own, and not xtensor's, so that a call like
/// sum(x, axes) finds strata's functions only.
class Numbers {
 public:
  template <std::integral... I> Numbers(I... values) : values_{static_cast<std::ptrdiff_t>(values)...} {}
  template <NumberRange R> explicit Numbers(const R& values) {
    for (const auto value : values) values_.push_back(static_cast<std::ptrdiff_t>(value));
  }

  std::size_t size() const { return values_.size(); }
  auto begin() const { return values_.begin(); }
  auto end() const { return values_.end(); }
  std::ptrdiff_t operator[](std::size_t k) const { return values_[k]; }

 private:
  xt::svector<std::ptrdiff_t, 4> values_;
};

}  // namespace detail

/// Some axes of a tensor: {0, 2}. Negative ones count from the last, −1.
struct Axes : detail::Numbers {
  using Numbers::Numbers;
};

/// The sizes of a new shape, one of which may be −1: {−1, 28, 28}. Also made from a Shape or a list of them.
struct Sizes : detail::Numbers {
  using Numbers::Numbers;
  Sizes(const Shape& shape) : Numbers(shape) {}
};

/// Whether a reduced axis disappears or stays with size 1.
enum class KeepAxes { no, yes };

namespace detail {

/// The axis counted from 0. Throws "[operation] axis ... is out of range".
std::size_t resolve_axis(const char* operation, const Shape& shape, std::ptrdiff_t axis);

/// What a reduction makes of a shape: `kept` with the reduced axes of size 1, and the result's own `shape`.
struct Reduced {
  Shape kept, shape;
};
/// Throws for an axis out of range or named twice.
Reduced reduced(const char* operation, const Shape& shape, const Axes& axes, KeepAxes keep);

/// A permutation of all axes, counted from 0, and its inverse. Throws unless each axis is named once.
struct Permutation {
  Axes order, inverse;
};
Permutation permutation(const char* operation, const Shape& shape, const Axes& axes);

}  // namespace detail
}  // namespace strata
