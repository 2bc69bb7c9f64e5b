#include "tensor/evaluate.hpp"

#include <catch2/catch.hpp>

using namespace strata;

namespace {

Tensor<double> counting(const Shape& shape) {
  Tensor<double> x = Tensor<double>::from_shape(shape);
  for (std::size_t i = 0; i < x.size(); ++i) x.data()[i] = static_cast<double>(i % 1000) + 0.25;
  return x;
}

}  // namespace

TEST_CASE("Expressions are written and added, below and above the threading threshold") {
  for (std::size_t rows : {1, 3, 4001}) {
    const Tensor<double> x = counting({rows, 17}), row = counting({17});
    Tensor<double> y = Tensor<double>::from_shape(x.shape());
    write(y, 2.0 * x + 1.0);
    CHECK((y == 2.0 * x + 1.0));
    write_elementwise<Update::add>(y, x);
    CHECK((y == 3.0 * x + 1.0));
    write(y, x + row);
    for (std::size_t i = 0; i < rows; ++i) CHECK(y(i, 16) == x(i, 16) + row(16));
  }
}

TEST_CASE("map calls one lambda with scalars and SIMD batches") {
  const Tensor<float> x = {{-1, 2, 3, -4, 5, -6, 7, 8, -9, 10, 11, -12, 13, 14, 15, -16, 17, -18, 19}};
  Tensor<float> y = Tensor<float>::from_shape(x.shape());
  write(y, map([](auto v, auto w) { return select(v < decltype(v)(0), w, v); }, x, 2.0f * x));
  for (std::size_t i = 0; i < x.size(); ++i) CHECK(y(0, i) == (x(0, i) < 0 ? 2 * x(0, i) : x(0, i)));
}

TEST_CASE("write_rows scales each row by a number of its own") {
  for (std::size_t rows : {1, 3, 4001}) {
    const Tensor<double> x = counting({rows, 17}), s = 0.5 * counting({rows});
    Tensor<double> y = Tensor<double>::from_shape(x.shape());
    write_rows(y, s, x + 1.0);
    CHECK((y == xt::view(s, xt::all(), xt::newaxis()) * (x + 1.0)));
    write_rows<Update::add>(y, s, x);
    CHECK((y == xt::view(s, xt::all(), xt::newaxis()) * (2.0 * x + 1.0)));
  }
}

TEST_CASE("write_sum evaluates an expression that broadcasts before it sums") {
  const Tensor<double> x = counting({3, 17}), row = counting({17});
  Tensor<double> sums = Tensor<double>::from_shape({3});
  sums.reshape({3, 1});
  write_sum(sums, x * row, {3, 17});
  CHECK((xt::view(sums, xt::all(), 0) == xt::sum(x * row, {1})));
}

TEST_CASE("write_sum sums over every axis along which the result broadcasts") {
  for (std::size_t rows : {1, 2, 3000}) {
    const Shape full{rows, 5, 7};
    const Tensor<double> x = counting(full);
    for (const Shape& kept : {Shape{}, Shape{1}, Shape{7}, Shape{1, 1, 7}, Shape{5, 1}, Shape{5, 7},
                              Shape{rows, 1, 1}, Shape{rows, 5, 1}, Shape{rows, 1, 7}, Shape{rows, 5, 7}}) {
      Tensor<double> sums = Tensor<double>::from_shape(kept);
      write_sum(sums, x, full);
      Tensor<double> expected = xt::zeros<double>(full);
      Tensor<double> by_hand(kept, 0.0);
      Shape padded(3, 1);
      std::copy(kept.begin(), kept.end(), padded.end() - static_cast<std::ptrdiff_t>(kept.size()));
      by_hand.reshape(padded);
      for (std::size_t i = 0; i < rows; ++i)
        for (std::size_t j = 0; j < 5; ++j)
          for (std::size_t k = 0; k < 7; ++k)
            by_hand(i % padded[0], j % padded[1], k % padded[2]) += x(i, j, k);
      by_hand.reshape(kept);
      INFO("rows " << rows << ", kept " << to_string(kept));
      CHECK((sums == by_hand));
      write_sum<Update::add>(sums, 2.0 * x, full);
      CHECK((sums == 3.0 * by_hand));
    }
  }
}
