#include "strata/tensor/linalg.hpp"

#include <cblas.h>
#include <omp.h>
#include <pthread.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <mutex>
#include <stdexcept>

#include "strata/tensor/parallel.hpp"

namespace strata {
namespace {

void gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, blasint m, blasint n, blasint k, const float* a,
          blasint lda, const float* b, blasint ldb, float beta, float* c, blasint ldc) {
  cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, 1, a, lda, b, ldb, beta, c, ldc);
}

void gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, blasint m, blasint n, blasint k, const double* a,
          blasint lda, const double* b, blasint ldb, double beta, double* c, blasint ldc) {
  cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, 1, a, lda, b, ldb, beta, c, ldc);
}

void gemv(blasint m, blasint k, const float* a, blasint lda, const float* x, blasint incx, float beta,
          float* y, blasint incy) {
  cblas_sgemv(CblasRowMajor, CblasNoTrans, m, k, 1, a, lda, x, incx, beta, y, incy);
}

void gemv(blasint m, blasint k, const double* a, blasint lda, const double* x, blasint incx, double beta,
          double* y, blasint incy) {
  cblas_dgemv(CblasRowMajor, CblasNoTrans, m, k, 1, a, lda, x, incx, beta, y, incy);
}

// b = op(lower)⁻¹ b
void trsm(CBLAS_TRANSPOSE t, blasint rows, blasint columns, const float* lower, float* b) {
  cblas_strsm(CblasRowMajor, CblasLeft, CblasLower, t, CblasNonUnit, rows, columns, 1, lower, rows, b,
              columns);
}

void trsm(CBLAS_TRANSPOSE t, blasint rows, blasint columns, const double* lower, double* b) {
  cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, t, CblasNonUnit, rows, columns, 1, lower, rows, b,
              columns);
}

// How many of the last columns of a small m × n product OpenBLAS's AVX-512 kernel would allocate memory for.
std::size_t awkward_columns(std::size_t m, std::size_t n, std::size_t k) {
  constexpr std::size_t small = 1'000'000, lanes = 16;
  return m * n * k <= small && k >= 2 * lanes && n % lanes <= lanes / 2 ? n % lanes : 0;
}

enum class BlasBuild { serial, pthread, openmp };
BlasBuild blas_build() { return static_cast<BlasBuild>(openblas_get_parallel()); }

// OpenBLAS takes a buffer for each thread that multiplies, keeps it, and where there is no memory for one it
// tries for ever: whether there is, is looked at first.
void require_buffers(std::size_t threads) {
  constexpr std::size_t buffer = std::size_t{128} << 20;
  static std::atomic<std::size_t> taken = 0;
  const std::size_t before = taken.load(std::memory_order_relaxed);
  if (threads <= before) return;
  const std::size_t bytes = (threads - before) * buffer;
  void* const room =
      mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (room == MAP_FAILED)
    throw std::runtime_error("[matmul] OpenBLAS needs " + std::to_string(bytes >> 20) +
                             " MiB more, 128 a thread, than the limit on memory leaves; raise it (ulimit -v) "
                             "or use fewer threads");
  munmap(room, bytes);
  taken = threads;
}

constinit std::mutex serial_product;

// What a product needs of OpenBLAS as long as it lives: that it starts no pool of its own under ours. Its
// OpenMP build asks OpenMP for the calling thread's count; its pthread build has one count for the process;
// its serial build has buffers without locks, so that products take turns.
class SingleThreadedBlas {
 public:
  SingleThreadedBlas() : before_(omp_get_max_threads()) {
    [[maybe_unused]] static const bool prepared = [] {
      if (blas_build() == BlasBuild::pthread) openblas_set_num_threads(1);
      // A forked child has no thread that could give back a lock.
      if (blas_build() == BlasBuild::serial)
        pthread_atfork([] { serial_product.lock(); }, [] { serial_product.unlock(); },
                       [] { serial_product.unlock(); });
      return true;
    }();
    if (blas_build() == BlasBuild::serial) turn_.lock();
    omp_set_num_threads(1);
  }
  ~SingleThreadedBlas() { omp_set_num_threads(before_); }
  SingleThreadedBlas(const SingleThreadedBlas&) = delete;
  SingleThreadedBlas& operator=(const SingleThreadedBlas&) = delete;

 private:
  int before_;
  std::unique_lock<std::mutex> turn_{serial_product, std::defer_lock};
};

}  // namespace

template <class T> void matmul(const Tensor<T>& a, Transpose transpose_a, const Tensor<T>& b,
                               Transpose transpose_b, T beta, Tensor<T>& c) {
  const bool ta = transpose_a == Transpose::yes, tb = transpose_b == Transpose::yes;
  const auto facts = [&] {
    return "a is " + to_string(a.shape()) + (ta ? " transposed" : "") + ", b is " + to_string(b.shape()) +
           (tb ? " transposed" : "");
  };
  if (a.dimension() != 2 || b.dimension() != 2) fail("matmul", "needs two matrices: " + facts());
  const std::size_t m = a.shape(ta ? 1 : 0), k = a.shape(ta ? 0 : 1), n = b.shape(tb ? 0 : 1);
  if (b.shape(tb ? 1 : 0) != k) fail("matmul", "inner dimensions differ: " + facts());
  if (beta == T(0))
    c.resize({m, n});
  else if (c.dimension() != 2 || c.shape(0) != m || c.shape(1) != n)
    fail("matmul", "cannot accumulate into " + to_string(c.shape()) + ": " + facts());
  matmul(MatrixView<const T>{a.data(), a.shape(0), a.shape(1)}, transpose_a,
         MatrixView<const T>{b.data(), b.shape(0), b.shape(1)}, transpose_b, beta,
         MatrixView<T>{c.data(), m, n});
}

template <class T> void matmul(MatrixView<const T> a, Transpose transpose_a, MatrixView<const T> b,
                               Transpose transpose_b, T beta, MatrixView<T> c) {
  const bool ta = transpose_a == Transpose::yes, tb = transpose_b == Transpose::yes;
  const std::size_t m = c.rows, n = c.columns, k = ta ? a.rows : a.columns;
  if (m == 0 || n == 0) return;
  if (k == 0) {
    std::transform(c.data, c.data + m * n, c.data, [&](T v) { return beta == T(0) ? T(0) : beta * v; });
    return;
  }

  const std::size_t lda = a.columns, ldb = b.columns;
  const auto piece = [&](std::size_t row, std::size_t rows, std::size_t column, std::size_t columns) {
    const T* a_rows = a.data + (ta ? row : row * lda);
    const T* b_columns = b.data + (tb ? column * ldb : column);
    T* target = c.data + row * n + column;
    const SingleThreadedBlas guard;
    const std::size_t single = ta || tb ? 0 : awkward_columns(rows, columns, k), together = columns - single;
    if (together > 0)
      gemm(ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, static_cast<blasint>(rows),
           static_cast<blasint>(together), static_cast<blasint>(k), a_rows, static_cast<blasint>(lda),
           b_columns, static_cast<blasint>(ldb), beta, target, static_cast<blasint>(n));
    for (std::size_t j = together; j < columns; ++j)
      gemv(static_cast<blasint>(rows), static_cast<blasint>(k), a_rows, static_cast<blasint>(lda),
           b_columns + j, static_cast<blasint>(ldb), beta, target + j, static_cast<blasint>(n));
  };
  // Cut the longer side of c: each piece packs its part of the larger factor only.
  constexpr std::size_t parallel_products = 200'000, register_block = 16;
  const std::size_t side = std::max(m, n);
  const std::size_t grain = std::max<std::size_t>(2 * register_block, parallel_products * side / (m * n * k));
  require_buffers(blas_build() == BlasBuild::serial ? 1 : thread_count());
  if (blas_build() == BlasBuild::serial) return piece(0, m, 0, n);
  parallel_for(
      side, grain,
      [&](std::size_t begin, std::size_t end) {
        if (m >= n)
          piece(begin, end - begin, 0, n);
        else
          piece(0, m, begin, end - begin);
      },
      register_block);
}

template <class T> void cholesky(MatrixView<T> a) {
  const std::size_t n = a.rows;
  const auto entry = [&](std::size_t i, std::size_t j) -> T& { return a.data[i * n + j]; };
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      T rest = T(0.5) * (entry(i, j) + entry(j, i));
      for (std::size_t k = 0; k < j; ++k) rest -= entry(i, k) * entry(j, k);
      if (i == j && !(rest > T(0))) fail("cholesky", "the matrix is not positive definite");
      entry(i, j) = i == j ? std::sqrt(rest) : rest / entry(j, j);
    }
  }
  for (std::size_t i = 0; i < n; ++i) std::fill_n(&entry(i, i) + 1, n - i - 1, T(0));
}

template <class T> void solve_triangular(MatrixView<const T> lower, Transpose transpose, MatrixView<T> b) {
  if (b.rows == 0 || b.columns == 0) return;
  require_buffers(1);
  const SingleThreadedBlas guard;
  trsm(transpose == Transpose::yes ? CblasTrans : CblasNoTrans, static_cast<blasint>(b.rows),
       static_cast<blasint>(b.columns), lower.data, b.data);
}

std::string blas_description() {
  constexpr const char* builds[] = {"serial", "pthread", "OpenMP"};
  return std::string("OpenBLAS ") + openblas_get_corename() + ", " + builds[openblas_get_parallel()] +
         " build";
}

#define STRATA_INSTANTIATE(T)                                                                             \
  template void matmul(const Tensor<T>&, Transpose, const Tensor<T>&, Transpose, T, Tensor<T>&);          \
  template void matmul(MatrixView<const T>, Transpose, MatrixView<const T>, Transpose, T, MatrixView<T>); \
  template void cholesky(MatrixView<T>);                                                                  \
  template void solve_triangular(MatrixView<const T>, Transpose, MatrixView<T>);
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)

}  // namespace strata
