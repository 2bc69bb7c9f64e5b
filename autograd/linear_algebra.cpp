#include "autograd/linear_algebra.hpp"

#include "tensor/linalg.hpp"

namespace strata {
namespace {

// y_ij = row_j
template <class T> void fill_rows(Tensor<T>& y, const Tensor<T>& row) {
  const std::size_t columns = row.size();
  parallel_for(
      y.shape(0), detail::parallel_elements / std::max<std::size_t>(columns, 1),
      [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) std::copy_n(row.data(), columns, y.data() + i * columns);
      },
      1);
}

// For y = a b with ȳ given:        ā += ȳ bᵀ        b̄ += aᵀ ȳ
template <class T> void accumulate_product(Var<T> a, Var<T> b, const Tensor<T>& y_grad) {
  b.accumulate_with([&](Tensor<T>& gradient, T beta) {
    matmul(a.value(), Transpose::yes, y_grad, Transpose::no, beta, gradient);
  });
  a.accumulate_with([&](Tensor<T>& gradient, T beta) {
    matmul(y_grad, Transpose::no, b.value(), Transpose::yes, beta, gradient);
  });
}

}  // namespace

// y = a b        ā += ȳ bᵀ        b̄ += aᵀ ȳ
template <class T> Var<T> matmul(Var<T> a, Var<T> b) {
  const auto fill = [&](Tensor<T>& y) {
    matmul(a.value(), Transpose::no, b.value(), Transpose::no, T(0), y);
  };
  return record("matmul", {a, b}, Shape{}, fill, [a, b](Var<T> y) { accumulate_product(a, b, y.grad()); });
}

// y = x W + b        x̄ += ȳ Wᵀ        W̄ += xᵀ ȳ        b̄ += Σ_rows ȳ
template <class T> Var<T> affine(Var<T> x, Var<T> weight, Var<T> bias) {
  const Shape &in = x.shape(), &w = weight.shape(), &b = bias.shape();
  if (in.size() != 2 || w.size() != 2 || b.size() != 1 || in[1] != w[0] || w[1] != b[0])
    fail("affine", "needs x (B, I), weight (I, O) and bias (O): x is " + to_string(in) + ", weight is " +
                       to_string(w) + ", bias is " + to_string(b));
  const auto fill = [&](Tensor<T>& y) {
    fill_rows(y, bias.value());
    matmul(x.value(), Transpose::no, weight.value(), Transpose::no, T(1), y);
  };
  return record("affine", {x, weight, bias}, Shape{in[0], w[1]}, fill, [x, weight, bias](Var<T> y) {
    accumulate_product(x, weight, y.grad());
    bias.accumulate(y.grad());
  });
}

#define STRATA_INSTANTIATE(T)             \
  template Var<T> matmul(Var<T>, Var<T>); \
  template Var<T> affine(Var<T>, Var<T>, Var<T>);
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)

}  // namespace strata
