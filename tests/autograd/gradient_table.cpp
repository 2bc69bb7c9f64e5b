#include "strata/tests/autograd/gradient_table.hpp"

#include "strata/autograd/elementwise.hpp"
#include "strata/autograd/linear_algebra.hpp"
#include "strata/autograd/normalization.hpp"
#include "strata/autograd/probability.hpp"
#include "strata/autograd/reduce.hpp"
#include "strata/autograd/shape.hpp"
#include "strata/tensor/random.hpp"

namespace strata::tests {
namespace {

using Shapes = std::vector<std::vector<Shape>>;

// A scalar, a row, a column, sizes that are no multiple of the SIMD width, higher ranks.
const Shapes unary = {{{}}, {{1}}, {{1, 7}}, {{7, 1}}, {{3, 5}}, {{33}}, {{2, 3, 4}}, {{2, 1, 3, 2}}};

// The same without the scalar: there is a last axis.
const Shapes ranked = {{{1}}, {{1, 7}}, {{7, 1}}, {{3, 5}}, {{33}}, {{2, 3, 4}}, {{2, 1, 3, 2}}};

// The same, and every way to broadcast. Where only one shape is given, that input is passed twice.
const Shapes binary = {{{}, {}},         {{1, 7}, {1, 7}},    {{7, 1}, {7, 1}},
                       {{33}, {33}},     {{3, 5}, {5}},       {{5}, {3, 5}},
                       {{3, 1}, {1, 5}}, {{3, 5}, {}},        {{2, 3, 4}, {3, 1}},
                       {{1}, {3, 4}},    {{4, 1}, {2, 4, 3}}, {{2, 3, 1, 2}, {3, 2, 1}},
                       {{3, 5}}};

// Matrices with rows to sum over; both of one shape, or one given twice.
const Shapes paired_rows = {{{1}, {1}},
                            {{1, 7}, {1, 7}},
                            {{7, 1}, {7, 1}},
                            {{3, 33}, {3, 33}},
                            {{2, 3, 5}, {2, 3, 5}},
                            {{2, 1, 3, 2}, {2, 1, 3, 2}},
                            {{4, 5}}};

template <class T> const Var<T>& second(const std::vector<Var<T>>& x) { return x.size() > 1 ? x[1] : x[0]; }
template <class T> const Var<T>& third(const std::vector<Var<T>>& x) { return x.size() > 2 ? x[2] : x[0]; }

// Numbers that are 1 and 0 in turn, on the tape of x.
template <class T> Var<T> mask_beside(Var<T> x) {
  return x.tape().constant(x.shape(), [](Tensor<T>& mask) {
    for (std::size_t i = 0; i < mask.size(); ++i) mask.data()[i] = i % 2 == 0 ? T(1) : T(0);
  });
}

// Positive definite matrices: x xᵀ + I for x (..., N, M).
template <class T> Var<T> positive_definite(Var<T> x) {
  Axes turned = x.shape().size() == 2 ? Axes{1, 0} : Axes{0, 2, 1};
  Shape shape = x.shape();
  shape.back() = shape[shape.size() - 2];
  const auto identity = x.tape().constant(shape, [](Tensor<T>& unit) {
    const std::size_t n = unit.shape().back();
    for (std::size_t i = 0; i < unit.size(); ++i) unit.data()[i] = i / n % n == i % n ? T(1) : T(0);
  });
  return matmul(x, transpose(x, turned)) + identity;
}

}  // namespace

std::vector<Row> gradient_table() {
  return {
      {"add", [](auto& x) { return x[0] + second(x); }, binary},
      {"subtract", [](auto& x) { return x[0] - second(x); }, binary},
      {"multiply", [](auto& x) { return x[0] * second(x); }, binary},
      {"divide", [](auto& x) { return x[0] / second(x); }, binary, 0.5, 2},
      {"add_scalar", [](auto& x) { return 3 - (x[0] + 2 - 4); }, unary},
      {"multiply_scalar", [](auto& x) { return 3 * x[0]; }, unary},
      {"divide_by_scalar", [](auto& x) { return x[0] / 7; }, unary},
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

      {"log1p", [](auto& x) { return log1p(x[0]); }, unary, -0.5, 3},
      {"expm1", [](auto& x) { return expm1(x[0]); }, unary},
      {"sin", [](auto& x) { return sin(x[0]); }, unary},
      {"cos", [](auto& x) { return cos(x[0]); }, unary},
      {"erf", [](auto& x) { return erf(x[0]); }, unary},
      {"pow", [](auto& x) { return pow(x[0], 2.5) + pow(x[0], -1) + pow(x[0], 0); }, unary, 0.3, 3},
      {"pow", [](auto& x) { return pow(x[0], 3); }, unary, -2, -0.3},
      {"where", [](auto& x) { return where(mask_beside(x[0]), x[0], second(x)); }, binary},

      {"sum", [](auto& x) { return sum(x[0]); }, unary},
      {"sum", [](auto& x) { return mean(x[0]); }, unary},
      {"sum", [](auto& x) { return sum(x[0], {-1}); }, ranked},
      {"sum", [](auto& x) { return mean(x[0], {0}, KeepAxes::yes); }, ranked},
      {"sum",
       [](auto& x) {
         const Axes axes{0, 2};
         return sum(x[0], axes);
       },
       {{{1, 1, 1}}, {{1, 3, 1}}, {{3, 1, 4}}, {{2, 3, 4}}, {{2, 1, 33}}, {{2, 3, 4, 5}}}},
      {"max", [](auto& x) { return max(x[0], {-1}) + min(x[0], {-1}); }, ranked},
      {"max", [](auto& x) { return max(x[0], {0}, KeepAxes::yes); }, ranked},
      {"cumsum", [](auto& x) { return cumsum(x[0]) * cumsum(x[0], 0); }, ranked},
      {"logsumexp", [](auto& x) { return logsumexp(x[0]); }, ranked, -30, 30},
      {"logsumexp", [](auto& x) { return logsumexp(x[0], 0, KeepAxes::yes); }, ranked},
      {"softmax", [](auto& x) { return softmax(x[0]); }, ranked},
      {"softmax", [](auto& x) { return softmax(x[0], 0); }, ranked},

      {"log_softmax", [](auto& x) { return log_softmax(x[0]); }, ranked, -30, 30},
      {"log_softmax", [](auto& x) { return log_softmax(x[0], 0); }, ranked},

      {"reshape",
       [](auto& x) {
         return square(reshape(x[0], {-1, 1}));
       },
       unary},
      {"reshape", [](auto& x) { return square(unsqueeze(unsqueeze(x[0], 0), -1)); }, ranked},
      {"transpose", [](auto& x) { return square(transpose(x[0])); }, unary},
      {"transpose",
       [](auto& x) {
         return square(transpose(x[0], Axes{1, 2, 0}));
       },
       {{{1, 1, 1}}, {{1, 7, 1}}, {{7, 1, 1}}, {{2, 3, 4}}, {{3, 33, 2}}, {{1, 3, 5}}}},
      {"concatenate",
       [](auto& x) { return square(concatenate(x, -1)); },
       {{{1}, {2}},
        {{1, 7}, {1, 3}},
        {{7, 1}, {7, 1}},
        {{3, 5}, {3, 33}, {3, 1}},
        {{2, 3, 4}, {2, 3, 1}},
        {{2, 1, 3, 2}, {2, 1, 3, 1}},
        {{4}}}},
      {"concatenate",
       [](auto& x) {
         return square(concatenate({x[0], second(x), x[0]}, 0));
       },
       {{{1}, {2}},
        {{1, 7}, {3, 7}},
        {{7, 1}, {1, 1}},
        {{3, 5}, {2, 5}},
        {{2, 3, 4}, {1, 3, 4}},
        {{2, 1, 3, 2}, {3, 1, 3, 2}},
        {{4, 3}}}},
      {"slice",
       [](auto& x) { return square(slice(x[0], -1, 1, 3)) + slice(x[0], -1, 0, 2); },
       {{{3}}, {{1, 7}}, {{7, 3}}, {{3, 33}}, {{2, 3, 4}}, {{2, 1, 3, 4}}}},
      {"slice",
       [](auto& x) { return square(slice(x[0], 0, 1, 2)); },
       {{{2}}, {{2, 7}}, {{7, 1}}, {{3, 33}}, {{2, 3, 4}}, {{3, 1, 2, 2}}}},
      {"broadcast",
       [](auto& x) {
         return square(broadcast(x[0], {2, 3, 4}));
       },
       {{{}}, {{1}}, {{4}}, {{1, 4}}, {{3, 1}}, {{3, 4}}, {{2, 1, 1}}, {{2, 3, 4}}}},
      {"broadcast",
       [](auto& x) {
         return square(broadcast(x[0], {2, 3, 1, 4}));
       },
       {{{}}, {{4}}, {{1, 4}}, {{3, 1, 1}}, {{2, 1, 1, 1}}, {{2, 3, 1, 4}}}},
      {"broadcast", [](auto& x) { return square(unsqueeze(x[0], 0, 3)) + unsqueeze(-x[0], 0, 3); }, unary},
      {"gather_rows",
       [](auto& x) {
         return square(gather_rows(x[0], {2, 0, 2, 1}));
       },
       {{{3}}, {{3, 7}}, {{3, 1}}, {{3, 33}}, {{4, 3, 2}}, {{3, 2, 1, 4}}}},

      {"repeat_rows", [](auto& x) { return square(repeat_rows(x[0], 3)); }, ranked},

      {"matmul",
       [](auto& x) { return matmul(x[0], second(x)); },
       {{{1, 1}, {1, 1}},
        {{1, 7}, {7, 3}},
        {{7, 1}, {1, 7}},
        {{3, 5}, {5, 33}},
        {{17, 2}, {2, 1}},
        {{2, 3, 4}, {2, 4, 5}},
        {{3, 1, 5}, {3, 5, 1}},
        {{2, 3, 3}},
        {{4, 4}}}},
      {"affine",
       [](auto& x) { return affine(x[0], second(x), third(x)); },
       {{{1, 1}, {1, 1}, {1}},
        {{1, 7}, {7, 3}, {3}},
        {{7, 1}, {1, 7}, {7}},
        {{3, 5}, {5, 33}, {33}},
        {{17, 2}, {2, 1}, {1}},
        {{2, 3, 4}, {4, 5}, {5}},
        {{2, 1, 3, 4}, {4, 2}, {2}},
        {{2, 3}, {3, 16}, {16}}}},
      {"affine",
       [](auto& x) { return affine(x[0], x[0], reshape(slice(x[0], 0, 0, 1), {-1})); },
       {{{1, 1}}, {{2, 2}}, {{3, 3}}, {{5, 5}}, {{17, 17}}, {{4, 4}}}},
      {"strictly_lower",
       [](auto& x) { return square(strictly_lower(x[0])); },
       {{{1}}, {{1, 3}}, {{7, 1}}, {{3, 6}}, {{2, 3, 10}}, {{2, 1, 2, 3}}, {{2, 28}}}},
      {"strictly_lower",
       [](auto& x) { return strict_lower_product(x[0], second(x)); },
       {{{1, 1}, {1, 2}},
        {{1, 3}, {1, 3}},
        {{7, 1}, {7, 2}},
        {{3, 6}, {3, 4}},
        {{5, 10}, {5, 5}},
        {{2, 28}, {2, 8}}}},
      {"cholesky",
       [](auto& x) { return cholesky(positive_definite(x[0])); },
       {{{1, 1}}, {{2, 3}}, {{3, 1}}, {{5, 2}}, {{2, 3, 4}}, {{3, 1, 2}}}},
      {"cholesky",
       [](auto& x) {
         const auto unit = positive_definite(0 * x[0]);
         return cholesky(4 * unit + x[0]);
       },
       {{{1, 1}}, {{2, 2}}, {{3, 3}}, {{2, 3, 3}}, {{3, 1, 1}}, {{1, 4, 4}}},
       -0.5,
       0.5},
      {"triangular_solve",
       [](auto& x) {
         const auto l = x[0] + 3 * positive_definite(0 * x[0]);
         return triangular_solve(l, second(x)) + triangular_solve(l, second(x), Transpose::yes);
       },
       {{{1, 1}, {1, 1}},
        {{2, 2}, {2, 3}},
        {{3, 3}, {3, 1}},
        {{5, 5}, {5, 2}},
        {{2, 3, 3}, {2, 3, 4}},
        {{3, 1, 1}, {3, 1, 2}},
        {{4, 4}}},
       -1,
       1},

      {"normal_log_density",
       [](auto& x) { return normal_log_density(x[0], second(x), third(x)); },
       {{{1}, {1}, {1}},
        {{1, 7}, {1, 7}, {1, 7}},
        {{7, 1}, {7, 1}, {7, 1}},
        {{3, 33}, {3, 33}, {3, 33}},
        {{3, 5}, {5}, {1}},
        {{3, 5}, {3, 5}, {5}},
        {{3, 5}, {3, 1}, {3, 5}},
        {{2, 3, 5}, {3, 5}, {}},
        {{2, 1, 3, 2}, {3, 2}, {2, 1, 1, 2}},
        {{4, 5}}}},
      {"pairwise_normal_log_density",
       [](auto& x) { return pairwise_normal_log_density(x[0], second(x), third(x)); },
       {{{1, 1}, {1, 1}, {1, 1}},
        {{1, 7}, {3, 7}, {3, 7}},
        {{7, 1}, {2, 1}, {2, 1}},
        {{3, 9}, {20, 9}, {20, 9}},
        {{2, 3}, {130, 3}, {130, 3}},
        {{4, 5}}}},
      {"standard_normal_log_density", [](auto& x) { return standard_normal_log_density(x[0]); }, ranked},
      {"bernoulli_log_density", [](auto& x) { return bernoulli_log_density(sigmoid(x[0]), second(x)); },
       paired_rows, -4, 4},
      {"reparameterize",
       [](auto& x) { return reparameterize(x[0], second(x), third(x)); },
       {{{}, {}, {}},
        {{1, 7}, {1, 7}, {1, 7}},
        {{7, 1}, {7, 1}, {7, 1}},
        {{3, 33}, {3, 33}, {3, 33}},
        {{2, 3, 5}, {2, 3, 5}, {2, 3, 5}},
        {{2, 1, 3, 2}, {2, 1, 3, 2}, {2, 1, 3, 2}},
        {{4, 5}}}},
      {"standard_normal_kl", [](auto& x) { return standard_normal_kl(x[0], second(x)); }, paired_rows},
      {"draw_log_density", [](auto& x) { return draw_log_density(x[0], second(x)); }, paired_rows},
      {"batch_norm",
       [](auto& x) { return batch_norm(x[0], second(x), third(x), 0x1p-10).y; },
       {{{1, 7}, {7}, {7}},
        {{4, 1}, {1}, {1}},
        {{7, 1}, {1}, {1}},
        {{5, 33}, {33}, {33}},
        {{16, 16}, {16}, {16}},
        {{2, 3, 4}, {4}, {4}},
        {{2, 1, 3, 2}, {2}, {2}},
        {{3, 5}, {5}, {5}}}},
      {"batch_norm",
       [](auto& x) { return batch_norm(x[0], second(x), second(x), 0x1p-10).y; },
       {{{1, 7}, {7}}, {{4, 1}, {1}}, {{7, 1}, {1}}, {{5, 33}, {33}}, {{16, 16}, {16}}, {{3, 5}, {5}}}},
  };
}

std::vector<Tensor<double>> inputs_for(const Row& row, const std::vector<Shape>& shapes) {
  Rng rng{42};
  std::vector<Tensor<double>> inputs;
  for (const Shape& shape : shapes) {
    auto x = Tensor<float>::from_shape(shape);
    fill_uniform(rng, x);
    inputs.push_back(
        xt::cast<double>(static_cast<float>(row.low) + static_cast<float>(row.high - row.low) * x));
  }
  return inputs;
}

}  // namespace strata::tests
