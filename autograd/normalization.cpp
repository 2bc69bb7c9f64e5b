#include "autograd/normalization.hpp"

#include <array>
#include <cmath>

namespace strata {
namespace {

// Calls f(begin, end) on ranges of columns, narrow enough that a range of every row's sums stays in registers
// or the first-level cache, and a multiple of the SIMD width wide.
template <class F> void for_each_strip(std::size_t rows, std::size_t columns, F f) {
  parallel_for(columns, std::max<std::size_t>(1, detail::parallel_elements / std::max<std::size_t>(rows, 1)),
               [&](std::size_t begin, std::size_t end) {
                 constexpr std::size_t width = 128;
                 for (std::size_t first = begin; first < end; first += width)
                   f(first, std::min(width, end - first));
               });
}

template <class T> using Strip = std::array<T, 128>;

// A gradient to add to, or nothing where none is needed.
template <class T> class Target {
 public:
  explicit Target(Var<T> x) {
    x.accumulate_with([this](Tensor<T>& gradient, T beta) {
      data_ = gradient.data();
      beta_ = beta;
    });
  }
  explicit operator bool() const { return data_ != nullptr; }
  void add(std::size_t i, T value) const {
    if (data_) data_[i] = beta_ == T(0) ? value : data_[i] + value;
  }

 private:
  T* data_ = nullptr;
  T beta_ = 0;
};

}  // namespace

template <class T> Var<T> batch_statistics(Var<T> x) {
  if (x.shape().size() != 2 || x.shape()[0] == 0)
    fail("batch_statistics", "needs a matrix (B, D) with B > 0, but x is " + to_string(x.shape()));
  const std::size_t rows = x.shape()[0], columns = x.shape()[1];
  return x.tape().constant(Shape{2, columns}, [&](Tensor<T>& statistics) {
    for_each_strip(rows, columns, [&](std::size_t first, std::size_t count) {
      Strip<T> mean{}, variance{};
      const T* v = x.value().data() + first;
      for (std::size_t row = 0; row < rows; ++row)
        for (std::size_t j = 0; j < count; ++j) mean[j] += v[row * columns + j];
      for (std::size_t j = 0; j < count; ++j) mean[j] /= static_cast<T>(rows);
      for (std::size_t row = 0; row < rows; ++row)
        for (std::size_t j = 0; j < count; ++j) {
          const T d = v[row * columns + j] - mean[j];
          variance[j] += d * d;
        }
      for (std::size_t j = 0; j < count; ++j) {
        statistics.data()[first + j] = mean[j];
        statistics.data()[columns + first + j] = variance[j] / static_cast<T>(rows);
      }
    });
  });
}

// n = (x − μ) / σ, σ = √(variance + ε)        y = γ n + β
// β̄ += Σ ȳ        γ̄ += Σ ȳ n        x̄ += γ/σ (ȳ − (Σ ȳ + n Σ ȳ n) / B)
template <class T>
Var<T> batch_norm(Var<T> x, Var<T> gamma, Var<T> beta, Var<T> statistics, std::type_identity_t<T> epsilon) {
  const Shape &in = x.shape(), &g = gamma.shape(), &b = beta.shape(), &s = statistics.shape();
  if (in.size() != 2 || g.size() != 1 || b != g || g[0] != in[1] || s != Shape{2, in[1]})
    fail("batch_norm", "needs x (B, D), gamma (D), beta (D) and statistics (2, D): x is " + to_string(in) +
                           ", gamma is " + to_string(g) + ", beta is " + to_string(b) + ", statistics are " +
                           to_string(s));
  const std::size_t rows = in[0], columns = in[1];
  const auto inverse_deviation = [statistics, columns, epsilon](std::size_t column) {
    return T(1) / std::sqrt(statistics.value().data()[columns + column] + epsilon);
  };
  const auto fill = [&](Tensor<T>& y) {
    for_each_strip(rows, columns, [&](std::size_t first, std::size_t count) {
      Strip<T> scale, shift;  // y = scale x + shift
      for (std::size_t j = 0; j < count; ++j) {
        scale[j] = gamma.value().data()[first + j] * inverse_deviation(first + j);
        shift[j] = beta.value().data()[first + j] - scale[j] * statistics.value().data()[first + j];
      }
      for (std::size_t row = 0; row < rows; ++row) {
        const T* v = x.value().data() + row * columns + first;
        T* out = y.data() + row * columns + first;
        for (std::size_t j = 0; j < count; ++j) out[j] = scale[j] * v[j] + shift[j];
      }
    });
  };
  return record("batch_norm", {x, gamma, beta}, in, fill, [=](Var<T> y) {
    const Target<T> x_grad(x), gamma_grad(gamma), beta_grad(beta);
    for_each_strip(rows, columns, [&](std::size_t first, std::size_t count) {
      Strip<T> scale, sum{}, normalized_sum{};  // 1/σ, Σ ȳ, Σ ȳ n
      const T* mean = statistics.value().data() + first;
      const T *v = x.value().data() + first, *upstream = y.grad().data() + first;
      for (std::size_t j = 0; j < count; ++j) scale[j] = inverse_deviation(first + j);
      for (std::size_t row = 0; row < rows; ++row)
        for (std::size_t j = 0; j < count; ++j) {
          const std::size_t i = row * columns + j;
          sum[j] += upstream[i];
          normalized_sum[j] += upstream[i] * (v[i] - mean[j]) * scale[j];
        }
      for (std::size_t j = 0; j < count; ++j) {
        gamma_grad.add(first + j, normalized_sum[j]);  // in the order of the targets: they may be one
        beta_grad.add(first + j, sum[j]);
      }
      if (!x_grad) return;
      Strip<T> slope;
      for (std::size_t j = 0; j < count; ++j) {
        slope[j] = gamma.value().data()[first + j] * scale[j];
        sum[j] /= static_cast<T>(rows);
        normalized_sum[j] *= scale[j] / static_cast<T>(rows);
      }
      for (std::size_t row = 0; row < rows; ++row)
        for (std::size_t j = 0; j < count; ++j) {
          const std::size_t i = row * columns + j;
          x_grad.add(first + i, slope[j] * (upstream[i] - sum[j] - (v[i] - mean[j]) * normalized_sum[j]));
        }
    });
  });
}

#define STRATA_INSTANTIATE(T)               \
  template Var<T> batch_statistics(Var<T>); \
  template Var<T> batch_norm(Var<T>, Var<T>, Var<T>, Var<T>, std::type_identity_t<T>);
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)

}  // namespace strata
