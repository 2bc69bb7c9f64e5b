#include "strata/autograd/linear_algebra.hpp"

#include <algorithm>

namespace strata {
namespace {

// A tensor's memory as `count` matrices one after another.
template <class T> struct Matrices {
  T* data;
  std::size_t count, rows, columns;

  MatrixView<T> operator[](std::size_t k) const { return {data + k * rows * columns, rows, columns}; }
};

// A tensor (..., M, N) as matrices (M, N).
constexpr auto matrices = []<class X>(X& x) {
  const std::size_t columns = x.shape().back(), rows = x.shape()[x.dimension() - 2];
  const std::size_t count = rows * columns == 0 ? 0 : x.size() / (rows * columns);
  return Matrices<std::remove_reference_t<decltype(*x.data())>>{x.data(), count, rows, columns};
};

// A tensor (..., N) as one matrix.
constexpr auto all_rows = []<class X>(X& x) {
  const std::size_t columns = x.shape().back(), rows = columns == 0 ? 0 : x.size() / columns;
  return Matrices<std::remove_reference_t<decltype(*x.data())>>{x.data(), 1, rows, columns};
};

// Calls f(k) for every one of so many matrices, threaded.
template <class F> void for_each_matrix(std::size_t count, F f) {
  parallel_for(
      count, 2,
      [&](std::size_t begin, std::size_t end) {
        for (std::size_t k = begin; k < end; ++k) f(k);
      },
      1);
}

// c = op(a) op(b) + beta c, matrix by matrix
template <class T> void products(Matrices<const T> a, Transpose transpose_a, Matrices<const T> b,
                                 Transpose transpose_b, T beta, Matrices<T> c) {
  for_each_matrix(c.count,
                  [&](std::size_t k) { matmul<T>(a[k], transpose_a, b[k], transpose_b, beta, c[k]); });
}

// x̄ += op(a) op(b), all of them seen as `matrices` or `all_rows`
template <class View, class T> void accumulate_product(View view, Var<T> x, const Tensor<T>& a, Transpose ta,
                                                       const Tensor<T>& b, Transpose tb) {
  x.accumulate_with(
      [&](Tensor<T>& gradient, T beta) { products<T>(view(a), ta, view(b), tb, beta, view(gradient)); });
}

Shape product_shape(const Shape& a, const Shape& b) {
  const auto facts = [&] { return "a is " + to_string(a) + ", b is " + to_string(b); };
  const std::size_t rank = a.size();
  if (rank != b.size() || (rank != 2 && rank != 3) || (rank == 3 && a[0] != b[0]))
    fail("matmul", "needs two matrices, or as many of each: " + facts());
  if (a[rank - 1] != b[rank - 2]) fail("matmul", "inner dimensions differ: " + facts());
  Shape shape = a;
  shape.back() = b.back();
  return shape;
}

template <class T> Shape affine_shape(Var<T> x, Var<T> weight, Var<T> bias) {
  const Shape &in = x.shape(), &w = weight.shape(), &b = bias.shape();
  if (in.size() < 2 || w.size() != 2 || b.size() != 1 || in.back() != w[0] || w[1] != b[0])
    fail("affine", "needs x (..., I), weight (I, O) and bias (O): x is " + to_string(in) + ", weight is " +
                       to_string(w) + ", bias is " + to_string(b));
  Shape shape = in;
  shape.back() = w[1];
  return shape;
}

// Throws unless the tensors hold square matrices (..., N, N) and, of as many rows, matrices (..., N, M).
void require_square(const char* operation, const Shape& a, const Shape& b) {
  const std::size_t rank = a.size();
  if (rank < 2 || b.size() != rank || a[rank - 1] != a[rank - 2] ||
      !std::equal(a.begin(), a.end() - 1, b.begin()))
    fail(operation, "needs square matrices (..., N, N), and as many rows beside them: " + to_string(a) +
                        " and " + to_string(b));
}

// a_ij becomes upper(a_ij, a_ji) above the diagonal.
template <class T, class F> void set_upper(MatrixView<T> a, F upper) {
  for (std::size_t i = 0; i < a.rows; ++i)
    for (std::size_t j = i + 1; j < a.rows; ++j)
      a.data[i * a.rows + j] = upper(a.data[i * a.rows + j], a.data[j * a.rows + i]);
}

// y yᵀ = ½ (a + aᵀ), matrix by matrix
template <class T> void factor_each(const Tensor<T>& a, Tensor<T>& y) {
  write(y, a);
  for (std::size_t k = 0; k < matrices(y).count; ++k) cholesky(matrices(y)[k]);
}

// s = y⁻ᵀ m y⁻¹, m being the lower triangle of yᵀ ȳ, mirrored, matrix by matrix
template <class T> void factor_slopes(Var<T> y, Tensor<T>& slopes) {
  for_each_matrix(matrices(slopes).count, [&](std::size_t k) {
    const auto factor = matrices(y.value())[k];
    const auto s = matrices(slopes)[k];
    matmul<T>(factor, Transpose::yes, matrices(y.grad())[k], Transpose::no, T(0), s);
    set_upper(s, [](T, T mirrored) { return mirrored; });
    solve_triangular(factor, Transpose::yes, s);
    for (std::size_t i = 0; i < s.rows; ++i)
      for (std::size_t j = 0; j < i; ++j) std::swap(s.data[i * s.rows + j], s.data[j * s.rows + i]);
    solve_triangular(factor, Transpose::yes, s);
  });
}

// y = l⁻¹ b, or of lᵀ, matrix by matrix
template <class T> void solve_each(const Tensor<T>& l, bool turned, const Tensor<T>& b, Tensor<T>& y) {
  write(y, b);
  for_each_matrix(matrices(y).count, [&](std::size_t k) {
    solve_triangular(matrices(l)[k], turned ? Transpose::yes : Transpose::no, matrices(y)[k]);
  });
}

// c = a bᵀ, the lower triangle alone, matrix by matrix
template <class T> void lower_product(const Tensor<T>& a, const Tensor<T>& b, Tensor<T>& c) {
  for_each_matrix(matrices(c).count, [&](std::size_t k) {
    matmul<T>(matrices(a)[k], Transpose::no, matrices(b)[k], Transpose::yes, T(0), matrices(c)[k]);
    set_upper(matrices(c)[k], [](T, T) { return T(0); });
  });
}

}  // namespace

// y = a b        ā += ȳ bᵀ        b̄ += aᵀ ȳ
template <class T> Var<T> matmul(Var<T> a, Var<T> b) {
  const auto fill = [&](Tensor<T>& y) {
    products<T>(matrices(a.value()), Transpose::no, matrices(b.value()), Transpose::no, T(0), matrices(y));
  };
  return record("matmul", {a, b}, product_shape(a.shape(), b.shape()), fill, [a, b](Var<T> y) {
    accumulate_product(matrices, b, a.value(), Transpose::yes, y.grad(), Transpose::no);
    accumulate_product(matrices, a, y.grad(), Transpose::no, b.value(), Transpose::yes);
  });
}

// y = x W + b        x̄ += ȳ Wᵀ        W̄ += xᵀ ȳ        b̄ += Σ_rows ȳ
template <class T> Var<T> affine(Var<T> x, Var<T> weight, Var<T> bias) {
  const auto fill = [&](Tensor<T>& y) {
    write(y, bias.value());
    products<T>(all_rows(x.value()), Transpose::no, all_rows(weight.value()), Transpose::no, T(1),
                all_rows(y));
  };
  return record("affine", {x, weight, bias}, affine_shape(x, weight, bias), fill, [=](Var<T> y) {
    accumulate_product(all_rows, weight, x.value(), Transpose::yes, y.grad(), Transpose::no);
    accumulate_product(all_rows, x, y.grad(), Transpose::no, weight.value(), Transpose::yes);
    bias.accumulate(y.grad());
  });
}

// y yᵀ = ½ (a + aᵀ)        ā += ½ y⁻ᵀ m y⁻¹, m being the lower triangle of yᵀ ȳ, mirrored
template <class T> Var<T> cholesky(Var<T> a) {
  require_square("cholesky", a.shape(), a.shape());
  const auto fill = [&](Tensor<T>& y) { factor_each(a.value(), y); };
  return record("cholesky", {a}, a.shape(), fill, [a](Var<T> y) {
    a.accumulate(T(0.5) * y.tape().scratch(a.shape(), [y](Tensor<T>& s) { factor_slopes(y, s); }));
  });
}

// y = l⁻¹ b        b̄ += g = l⁻ᵀ ȳ        l̄ −= g yᵀ, its lower triangle (of lᵀ: g = l⁻¹ ȳ, and y gᵀ)
template <class T> Var<T> triangular_solve(Var<T> l, Var<T> b, Transpose transpose) {
  require_square("triangular_solve", l.shape(), b.shape());
  const bool turned = transpose == Transpose::yes;
  const auto fill = [&](Tensor<T>& y) { solve_each(l.value(), turned, b.value(), y); };
  return record("triangular_solve", {l, b}, b.shape(), fill, [l, b, turned](Var<T> y) {
    const auto solve = [&](Tensor<T>& g) { solve_each(l.value(), !turned, y.grad(), g); };
    const Tensor<T>&g = y.tape().scratch(b.shape(), solve), &left = turned ? y.value() : g;
    b.accumulate(g);
    const auto slope = [&](Tensor<T>& s) { lower_product(left, turned ? g : y.value(), s); };
    l.accumulate(-y.tape().scratch(l.shape(), slope));
  });
}

#define STRATA_INSTANTIATE(T)                     \
  template Var<T> matmul(Var<T>, Var<T>);         \
  template Var<T> affine(Var<T>, Var<T>, Var<T>); \
  template Var<T> cholesky(Var<T>);               \
  template Var<T> triangular_solve(Var<T>, Var<T>, Transpose);
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)

}  // namespace strata
