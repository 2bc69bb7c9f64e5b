// The fully connected layer.
#pragma once

#include "strata/autograd/arithmetic.hpp"
#include "strata/autograd/linear_algebra.hpp"
#include "strata/autograd/shape.hpp"
#include "strata/nn/fields.hpp"
#include "strata/nn/init.hpp"

namespace strata {

/// K, where c has K rows for each one of x. Throws where it has not.
template <class T> std::size_t rows_for_each(Var<T> x, Var<T> c) {
  const std::size_t of_x = x.shape()[0], of_c = c.shape()[0];
  if (of_x == 0 || of_c == 0 || of_c % of_x != 0)
    fail("rows_for_each", "x is " + to_string(x.shape()) + ", c is " + to_string(c.shape()) +
                              ": c needs K rows for each one of x");
  return of_c / of_x;
}

/// y = x W + b, with W (in, out) as in Keras; PyTorch's is (out, in).
template <class T> struct Linear {
  Parameter<T> weight;  ///< (in, out)
  Parameter<T> bias;    ///< (out)

  Linear(std::size_t in, std::size_t out, Init init, Rng& rng)
      : weight{Tensor<T>::from_shape({in, out})}, bias{Tensor<T>::from_shape({out})} {
    if (in == 0 || out == 0)
      fail("Linear", "needs widths of at least 1: " + to_string(weight.value().shape()));
    initialize(init, weight.write(), bias.write(), rng);
  }

  /// x (B, in): (B, out)
  Var<T> operator()(Var<T> x) const { return affine(x, weight.on(x.tape()), bias.on(x.tape())); }

  /// The same of each row of x (B, in − C) beside K rows of c (B·K, C), one after another: (B·K, out). x's
  /// part of the product is made once. Throws for other numbers of rows or columns.
  Var<T> operator()(Var<T> x, Var<T> c) const {
    const auto w = weight.on(x.tape());
    const std::size_t of_x = x.shape()[1], in = w.shape()[0];
    return repeat_rows(affine(x, slice(w, 0, 0, of_x), bias.on(x.tape())), rows_for_each(x, c)) +
           matmul(c, slice(w, 0, of_x, in));
  }

  static void fields(auto& self, auto&& visit) {
    visit("weight", self.weight);
    visit("bias", self.bias);
  }
};

}  // namespace strata
