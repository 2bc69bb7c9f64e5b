#include "strata/tensor/linalg.hpp"

#include <catch2/catch.hpp>
#include <limits>

#include "strata/tensor/parallel.hpp"
#include "strata/tensor/random.hpp"

using namespace strata;

namespace {

Tensor<double> transposed(const Tensor<double>& x) { return xt::transpose(x); }

Tensor<double> product_by_hand(const Tensor<double>& a, const Tensor<double>& b) {
  Tensor<double> c = xt::zeros<double>({a.shape(0), b.shape(1)});
  for (std::size_t i = 0; i < a.shape(0); ++i)
    for (std::size_t k = 0; k < a.shape(1); ++k)
      for (std::size_t j = 0; j < b.shape(1); ++j) c(i, j) += a(i, k) * b(k, j);
  return c;
}

double distance(const Tensor<double>& a, const Tensor<double>& b) { return xt::amax(xt::abs(a - b))(); }

}  // namespace

TEST_CASE("matmul agrees with the definition for every transposition, size and thread count") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  Rng rng{1};
  const std::size_t threads = thread_count();
  for (const std::size_t count : {1, 2})
    for (const auto& [m, k, n] :
         {std::array<std::size_t, 3>{1, 1, 1}, {2, 3, 5}, {130, 70, 33}, {17, 90, 211}, {40, 150, 3}}) {
      set_thread_count(count);
      Tensor<double> a = Tensor<double>::from_shape({m, k}), b = Tensor<double>::from_shape({k, n}), c;
      fill_normal(rng, a);
      fill_normal(rng, b);
      const Tensor<double> expected = product_by_hand(a, b);
      for (const Transpose ta : {Transpose::no, Transpose::yes})
        for (const Transpose tb : {Transpose::no, Transpose::yes}) {
          const Tensor<double> a_given = ta == Transpose::yes ? transposed(a) : a;
          const Tensor<double> b_given = tb == Transpose::yes ? transposed(b) : b;
          c = Tensor<double>(Shape{m, n}, nan);  // which 0 times would keep
          matmul(a_given, ta, b_given, tb, 0.0, c);
          CHECK(distance(c, expected) < 1e-12);
          matmul(a_given, ta, b_given, tb, 1.0, c);
          CHECK(distance(c, 2.0 * expected) < 1e-12);
          Tensor<float> in_float(Shape{m, n}, std::numeric_limits<float>::quiet_NaN());
          matmul<float>(xt::cast<float>(a_given), ta, xt::cast<float>(b_given), tb, 0.0f, in_float);
          CHECK(distance(xt::cast<double>(in_float), expected) < 1e-4);
        }
    }
  set_thread_count(threads);
}

TEST_CASE("matmul of a matrix with a transposed part of itself is no symmetric product") {
  const Tensor<double> a = {{1, 2}, {3, 4}, {5, 6}};
  const Tensor<double> top = {{1, 2}, {3, 4}};
  Tensor<double> c;
  matmul(top, Transpose::no, a, Transpose::yes, 0.0, c);
  CHECK((c == Tensor<double>{{5, 11, 17}, {11, 25, 39}}));
}

TEST_CASE("matmul of empty matrices is zero") {
  Tensor<double> c;
  matmul<double>(xt::zeros<double>({2, 0}), Transpose::no, xt::zeros<double>({0, 3}), Transpose::no, 0.0, c);
  CHECK((c == xt::zeros<double>({2, 3})));
}

TEST_CASE("matmul says which shapes do not fit") {
  const Tensor<double> a = xt::ones<double>({2, 3}), v = xt::ones<double>({3});
  Tensor<double> c = xt::ones<double>({2, 2});
  CHECK_THROWS_WITH(matmul(a, Transpose::no, a, Transpose::no, 0.0, c),
                    "[matmul] inner dimensions differ: a is (2, 3), b is (2, 3)");
  CHECK_THROWS_WITH(matmul(a, Transpose::no, v, Transpose::no, 0.0, c),
                    "[matmul] needs two matrices: a is (2, 3), b is (3)");
  CHECK_THROWS_WITH(matmul(a, Transpose::yes, a, Transpose::no, 1.0, c),
                    "[matmul] cannot accumulate into (2, 2): a is (2, 3) transposed, b is (2, 3)");
}

TEST_CASE("A product of no terms is 0, to which beta c is added") {
  const Tensor<double> a = Tensor<double>::from_shape({2, 0}), b = Tensor<double>::from_shape({0, 3});
  Tensor<double> c(Shape{2, 3}, 8.0);
  matmul(a, Transpose::no, b, Transpose::no, 0.25, c);
  CHECK(xt::all(xt::equal(c, 2.0)));
  matmul(a, Transpose::no, b, Transpose::no, 1.0, c);
  CHECK(xt::all(xt::equal(c, 2.0)));
  matmul(a, Transpose::no, b, Transpose::no, 0.0, c);
  CHECK(xt::all(xt::equal(c, 0.0)));
}
