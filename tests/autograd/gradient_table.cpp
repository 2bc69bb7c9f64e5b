#include "tests/autograd/gradient_table.hpp"

#include "autograd/elementwise.hpp"
#include "autograd/linear_algebra.hpp"
#include "autograd/normalization.hpp"
#include "autograd/probability.hpp"
#include "autograd/reduce.hpp"
#include "autograd/shape.hpp"

namespace strata::tests {
namespace {

using Shapes = std::vector<std::vector<Shape>>;

// A scalar, a row, a column, sizes that are no multiple of the SIMD width, higher ranks.
const Shapes unary = {{{}}, {{1}}, {{1, 7}}, {{7, 1}}, {{3, 5}}, {{33}}, {{2, 3, 4}}};

// The same, and every way to broadcast. Where only one shape is given, that input is passed twice.
const Shapes binary = {{{}, {}},         {{1, 7}, {1, 7}},    {{7, 1}, {7, 1}},
                       {{33}, {33}},     {{3, 5}, {5}},       {{5}, {3, 5}},
                       {{3, 1}, {1, 5}}, {{3, 5}, {}},        {{2, 3, 4}, {3, 1}},
                       {{1}, {3, 4}},    {{4, 1}, {2, 4, 3}}, {{3, 5}}};

// Matrices with rows to sum over; both of one shape, or one given twice.
const Shapes paired_rows = {{{1}, {1}},         {{1, 7}, {1, 7}},       {{7, 1}, {7, 1}},
                            {{3, 33}, {3, 33}}, {{2, 3, 5}, {2, 3, 5}}, {{4, 5}}};

template <class T> const Var<T>& second(const std::vector<Var<T>>& x) { return x.size() > 1 ? x[1] : x[0]; }
template <class T> const Var<T>& third(const std::vector<Var<T>>& x) { return x.size() > 2 ? x[2] : x[0]; }

// Fixed numbers on the tape of x, in double and float alike.
template <class T> Var<T> noise_beside(Var<T> x, const Shape& shape) {
  return x.tape().constant(shape, [](Tensor<T>& noise) {
    for (std::size_t i = 0; i < noise.size(); ++i) noise.data()[i] = static_cast<T>(i % 7) - T(2.5);
  });
}

}  // namespace

std::vector<Row> gradient_table() {
  return {
      {"add", [](auto& x) { return x[0] + second(x); }, binary},
      {"subtract", [](auto& x) { return x[0] - second(x); }, binary},
      {"multiply", [](auto& x) { return x[0] * second(x); }, binary},
      {"divide", [](auto& x) { return x[0] / second(x); }, binary, 0.5, 2},
      {"add_scalar", [](auto& x) { return 3 - (x[0] + 2 - 4); }, unary},
      {"multiply_scalar", [](auto& x) { return 3 * x[0] / 7; }, unary},
      {"divide_scalar", [](auto& x) { return 3 / x[0]; }, unary, 0.5, 2},
      {"negate", [](auto& x) { return -x[0]; }, unary},
      {"exp", [](auto& x) { return exp(x[0]); }, unary},
      {"log", [](auto& x) { return log(x[0]); }, unary, 0.2, 3},
      {"sqrt", [](auto& x) { return sqrt(x[0]); }, unary, 0.2, 3},
      {"square", [](auto& x) { return square(x[0]); }, unary},
      {"abs", [](auto& x) { return abs(x[0]); }, unary, -2, -0.1},
      {"abs", [](auto& x) { return abs(x[0]); }, unary, 0.1, 2},
      {"clamp", [](auto& x) { return clamp(x[0], -0.5, 0.75) + clamp(x[0], -9, 9); }, unary},
      {"maximum", [](auto& x) { return maximum(x[0], second(x)); }, binary},
      {"maximum", [](auto& x) { return minimum(x[0], second(x)); }, binary},
      {"tanh", [](auto& x) { return tanh(x[0]); }, unary},
      {"relu", [](auto& x) { return relu(x[0]); }, unary},
      {"leaky_relu", [](auto& x) { return leaky_relu(x[0], 0.25) + leaky_relu(x[0]); }, unary},
      {"sigmoid", [](auto& x) { return sigmoid(x[0]); }, unary, -6, 6},
      {"softplus", [](auto& x) { return softplus(x[0]) + log_sigmoid(x[0]); }, unary, -6, 6},
      {"log_softplus", [](auto& x) { return log_softplus(x[0]); }, unary, -22, 6},

      {"sum", [](auto& x) { return sum(x[0]); }, unary},
      {"sum", [](auto& x) { return mean(x[0]); }, unary},
      {"sum",
       [](auto& x) { return sum(x[0], {-1}); },
       {{{1}}, {{1, 7}}, {{7, 1}}, {{3, 5}}, {{33}}, {{2, 3, 4}}}},
      {"sum",
       [](auto& x) { return mean(x[0], {0}, KeepAxes::yes); },
       {{{1}}, {{1, 7}}, {{7, 1}}, {{3, 5}}, {{33}}, {{2, 3, 4}}}},
      {"sum",
       [](auto& x) {
         return sum(x[0], {0, 2});
       },
       {{{1, 1, 1}}, {{1, 3, 1}}, {{3, 1, 4}}, {{2, 3, 4}}, {{2, 1, 33}}, {{2, 3, 4, 5}}}},
      {"logsumexp",
       [](auto& x) { return logsumexp(x[0]); },
       {{{1}}, {{1, 7}}, {{7, 1}}, {{3, 5}}, {{33}}, {{2, 3, 4}}},
       -30,
       30},
      {"logsumexp",
       [](auto& x) { return logsumexp(x[0], 0, KeepAxes::yes); },
       {{{1}}, {{1, 7}}, {{7, 1}}, {{3, 5}}, {{33}}, {{2, 3, 4}}}},
      {"softmax",
       [](auto& x) { return softmax(x[0]); },
       {{{1}}, {{1, 7}}, {{7, 1}}, {{3, 5}}, {{33}}, {{2, 3, 4}}}},
      {"softmax",
       [](auto& x) { return softmax(x[0], 0); },
       {{{1}}, {{1, 7}}, {{7, 1}}, {{3, 5}}, {{33}}, {{2, 3, 4}}}},

      {"reshape",
       [](auto& x) {
         return square(reshape(x[0], {-1, 1}));
       },
       unary},
      {"transpose", [](auto& x) { return square(transpose(x[0])); }, unary},
      {"transpose",
       [](auto& x) {
         return square(strata::transpose(x[0], Axes{1, 2, 0}));
       },
       {{{1, 1, 1}}, {{1, 7, 1}}, {{7, 1, 1}}, {{2, 3, 4}}, {{3, 33, 2}}, {{1, 3, 5}}}},
      {"concatenate",
       [](auto& x) { return square(concatenate(x, -1)); },
       {{{1}, {2}},
        {{1, 7}, {1, 3}},
        {{7, 1}, {7, 1}},
        {{3, 5}, {3, 33}, {3, 1}},
        {{2, 3, 4}, {2, 3, 1}},
        {{4}}}},
      {"concatenate",
       [](auto& x) {
         return square(concatenate<std::decay_t<decltype(x[0].value()(0))>>({x[0], second(x), x[0]}, 0));
       },
       {{{1}, {2}}, {{1, 7}, {3, 7}}, {{7, 1}, {1, 1}}, {{3, 5}, {2, 5}}, {{2, 3, 4}, {1, 3, 4}}, {{4, 3}}}},
      {"slice",
       [](auto& x) { return square(slice(x[0], -1, 1, 3)) + slice(x[0], -1, 0, 2); },
       {{{3}}, {{1, 7}}, {{7, 3}}, {{3, 33}}, {{2, 3, 4}}, {{5, 4}}}},
      {"slice",
       [](auto& x) { return square(slice(x[0], 0, 1, 2)); },
       {{{2}}, {{2, 7}}, {{7, 1}}, {{3, 33}}, {{2, 3, 4}}, {{5, 4}}}},
      {"broadcast",
       [](auto& x) {
         return square(broadcast(x[0], {2, 3, 4}));
       },
       {{{}}, {{1}}, {{4}}, {{1, 4}}, {{3, 1}}, {{3, 4}}, {{2, 1, 1}}, {{2, 3, 4}}}},
      {"gather_rows",
       [](auto& x) {
         return square(gather_rows(x[0], {2, 0, 2, 1}));
       },
       {{{3}}, {{3, 7}}, {{3, 1}}, {{3, 33}}, {{4, 3, 2}}, {{3, 16}}}},

      {"repeat_rows",
       [](auto& x) { return square(repeat_rows(x[0], 3)); },
       {{{1}}, {{1, 7}}, {{7, 1}}, {{3, 5}}, {{33}}, {{2, 3, 4}}}},

      {"matmul",
       [](auto& x) { return matmul(x[0], second(x)); },
       {{{1, 1}, {1, 1}},
        {{1, 7}, {7, 3}},
        {{7, 1}, {1, 7}},
        {{3, 5}, {5, 33}},
        {{17, 2}, {2, 1}},
        {{4, 4}}}},
      {"affine",
       [](auto& x) { return affine(x[0], second(x), third(x)); },
       {{{1, 1}, {1, 1}, {1}},
        {{1, 7}, {7, 3}, {3}},
        {{7, 1}, {1, 7}, {7}},
        {{3, 5}, {5, 33}, {33}},
        {{17, 2}, {2, 1}, {1}},
        {{2, 3}, {3, 16}, {16}}}},
      {"affine",
       [](auto& x) { return affine(x[0], x[0], reshape(slice(x[0], 0, 0, 1), {-1})); },
       {{{1, 1}}, {{2, 2}}, {{3, 3}}, {{5, 5}}, {{17, 17}}, {{4, 4}}}},

      {"normal_log_density",
       [](auto& x) { return normal_log_density(x[0], second(x), third(x)); },
       {{{1}, {1}, {1}},
        {{1, 7}, {1, 7}, {1, 7}},
        {{7, 1}, {7, 1}, {7, 1}},
        {{3, 33}, {3, 33}, {3, 33}},
        {{3, 5}, {5}, {1}},
        {{5}, {3, 5}, {3, 1}},
        {{3, 5}, {3, 5}, {5}},
        {{2, 3, 5}, {3, 5}, {}},
        {{4, 5}}}},
      {"standard_normal_log_density",
       [](auto& x) { return standard_normal_log_density(x[0]); },
       {{{1}}, {{1, 7}}, {{7, 1}}, {{3, 5}}, {{33}}, {{2, 3, 4}}}},
      {"bernoulli_log_density", [](auto& x) { return bernoulli_log_density(x[0], second(x)); }, paired_rows,
       -4, 4},
      {"reparameterize",
       [](auto& x) { return reparameterize(x[0], second(x), third(x)); },
       {{{}, {}, {}},
        {{1, 7}, {1, 7}, {1, 7}},
        {{7, 1}, {7, 1}, {7, 1}},
        {{3, 33}, {3, 33}, {3, 33}},
        {{2, 3, 5}, {2, 3, 5}, {2, 3, 5}},
        {{4, 5}}}},
      {"standard_normal_kl", [](auto& x) { return standard_normal_kl(x[0], second(x)); }, paired_rows},
      {"draw_log_density",
       [](auto& x) { return draw_log_density(x[0], noise_beside(x[0], x[0].shape())); },
       {{{1}}, {{1, 7}}, {{7, 1}}, {{3, 33}}, {{2, 3, 5}}, {{4, 5}}}},
      {"strict_lower_product",
       [](auto& x) {
         std::size_t n = 1;
         while (n * (n - 1) / 2 < x[0].shape()[1]) ++n;
         return strict_lower_product(x[0], noise_beside(x[0], {x[0].shape()[0], n}));
       },
       {{{1, 1}}, {{1, 3}}, {{7, 1}}, {{3, 6}}, {{5, 10}}, {{2, 28}}}},
      {"batch_norm",
       [](auto& x) { return batch_norm(x[0], second(x), third(x), batch_statistics(x[0]), 0x1p-10); },
       {{{1, 7}, {7}, {7}},
        {{4, 1}, {1}, {1}},
        {{7, 1}, {1}, {1}},
        {{5, 33}, {33}, {33}},
        {{16, 16}, {16}, {16}},
        {{3, 5}, {5}, {5}}}},
      {"batch_norm",
       [](auto& x) { return batch_norm(x[0], second(x), second(x), batch_statistics(x[0]), 0x1p-10); },
       {{{1, 7}, {7}}, {{4, 1}, {1}}, {{7, 1}, {1}}, {{5, 33}, {33}}, {{16, 16}, {16}}, {{3, 5}, {5}}}},
  };
}

}  // namespace strata::tests
