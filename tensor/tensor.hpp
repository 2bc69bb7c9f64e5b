// The one header through which xtensor is included: Tensor<T>, Shape, and what works around xtensor's
// versions.
#pragma once

#if __has_include(<xtensor/containers/xarray.hpp>)  // xtensor 0.26 and later
#include <xtensor/containers/xadapt.hpp>
#include <xtensor/containers/xarray.hpp>
#include <xtensor/core/xmath.hpp>
#include <xtensor/core/xnoalias.hpp>
#include <xtensor/generators/xbuilder.hpp>
#include <xtensor/views/xview.hpp>
#else
#include <xtensor/xadapt.hpp>
#include <xtensor/xarray.hpp>
#include <xtensor/xbuilder.hpp>
#include <xtensor/xmath.hpp>
#include <xtensor/xnoalias.hpp>
#include <xtensor/xview.hpp>
#endif

#include <cstddef>
#include <string>
#include <xsimd/xsimd.hpp>

// xtensor before 0.26 recognises its own dynamic shape, a template of four parameters with defaults, under
// C++17 only: where it matches one of two (P0522) the result of xt::eval or of a reduction gets rank 4. What
// links strata is compiled with -fno-new-ttp-matching against that; elsewhere xtensor must not be used
// before this header. tests/tensor/tensor_test.cpp keeps this fixed.
#if defined(__cpp_template_template_args) && XTENSOR_VERSION_MAJOR == 0 && XTENSOR_VERSION_MINOR < 26
namespace xt::detail {
template <template <class, std::size_t, class, bool> class S, class X, std::size_t N, class A, bool Init>
struct xtype_for_shape<S<X, N, A, Init>> {
  template <class T, layout_type L> using type = xarray<T, L>;
};
}  // namespace xt::detail
#endif

namespace strata {

/// A dense array of any rank in row-major order, owning its elements. `resize` leaves them uninitialised.
template <class T> using Tensor = xt::xarray<T, xt::layout_type::row_major>;

/// The sizes of a tensor's axes; held in place up to rank 4.
using Shape = Tensor<float>::shape_type;

/// "(64, 784)", as error messages show a shape.
std::string to_string(const Shape& shape);

/// The number of elements of a tensor of this shape (1 for rank 0).
std::size_t element_count(const Shape& shape);

/// Throws std::invalid_argument "[operation] message": the caller's mistake, with the facts and a hint.
[[noreturn]] void fail(std::string_view operation, const std::string& message);

}  // namespace strata
