// The operations of autograd, by the name under which they are recorded, or that of their function; a word
// after a stroke tells variants apart.
#include "strata/autograd/operations.hpp"

#include "strata/tests/differential/case.hpp"

namespace strata::differential {
namespace {

template <class N> KeepAxes keep(const N& n, std::size_t i) {
  return n[i] == 0 ? KeepAxes::no : KeepAxes::yes;
}

}  // namespace

template <class T> std::map<std::string, Operation<T>> operations() {
  using X = const std::vector<Var<T>>&;
  using N = const Numbers<T>&;
  return {
      {"add", [](X x, N) { return x[0] + x[1]; }},
      {"subtract", [](X x, N) { return x[0] - x[1]; }},
      {"multiply", [](X x, N) { return x[0] * x[1]; }},
      {"divide", [](X x, N) { return x[0] / x[1]; }},
      {"add_scalar", [](X x, N n) { return x[0] + n[0]; }},
      {"add_scalar/left", [](X x, N n) { return n[0] + x[0]; }},
      {"add_scalar/minus", [](X x, N n) { return x[0] - n[0]; }},
      {"add_scalar/from", [](X x, N n) { return n[0] - x[0]; }},
      {"multiply_scalar", [](X x, N n) { return x[0] * n[0]; }},
      {"multiply_scalar/left", [](X x, N n) { return n[0] * x[0]; }},
      {"divide_by_scalar", [](X x, N n) { return x[0] / n[0]; }},
      {"divide_scalar", [](X x, N n) { return n[0] / x[0]; }},
      {"negate", [](X x, N) { return -x[0]; }},

      {"exp", [](X x, N) { return exp(x[0]); }},
      {"log", [](X x, N) { return log(x[0]); }},
      {"log1p", [](X x, N) { return log1p(x[0]); }},
      {"expm1", [](X x, N) { return expm1(x[0]); }},
      {"sin", [](X x, N) { return sin(x[0]); }},
      {"cos", [](X x, N) { return cos(x[0]); }},
      {"erf", [](X x, N) { return erf(x[0]); }},
      {"pow", [](X x, N n) { return pow(x[0], n[0]); }},
      {"pow/whole", [](X x, N n) { return pow(x[0], n[0]); }},
      {"sqrt", [](X x, N) { return sqrt(x[0]); }},
      {"square", [](X x, N) { return square(x[0]); }},
      {"abs", [](X x, N) { return abs(x[0]); }},
      {"where", [](X x, N) { return where(stop_gradient(x[0]), x[1], x[2]); }},
      {"clamp", [](X x, N n) { return clamp(x[0], n[0], n[1]); }},
      {"maximum", [](X x, N) { return maximum(x[0], x[1]); }},
      {"minimum", [](X x, N) { return minimum(x[0], x[1]); }},
      {"tanh", [](X x, N) { return tanh(x[0]); }},
      {"relu", [](X x, N) { return relu(x[0]); }},
      {"leaky_relu", [](X x, N n) { return leaky_relu(x[0], n[0]); }},
      {"leaky_relu/default", [](X x, N) { return leaky_relu(x[0]); }},
      {"sigmoid", [](X x, N) { return sigmoid(x[0]); }},
      {"log_sigmoid", [](X x, N) { return log_sigmoid(x[0]); }},
      {"softplus", [](X x, N) { return softplus(x[0]); }},
      {"log_softplus", [](X x, N) { return log_softplus(x[0]); }},
      {"stop_gradient", [](X x, N) { return x[0] * stop_gradient(x[0]); }},

      {"sum", [](X x, N) { return sum(x[0]); }},
      {"sum/axes", [](X x, N n) { return sum(x[0], n.axes(1), keep(n, 0)); }},
      {"mean", [](X x, N) { return mean(x[0]); }},
      {"mean/axes", [](X x, N n) { return mean(x[0], n.axes(1), keep(n, 0)); }},
      {"max", [](X x, N n) { return max(x[0], n.axes(1), keep(n, 0)); }},
      {"min", [](X x, N n) { return min(x[0], n.axes(1), keep(n, 0)); }},
      {"logsumexp", [](X x, N n) { return logsumexp(x[0], n.whole(1), keep(n, 0)); }},
      {"softmax", [](X x, N n) { return softmax(x[0], n.whole(0)); }},
      {"log_softmax", [](X x, N n) { return log_softmax(x[0], n.whole(0)); }},
      {"cumsum", [](X x, N n) { return cumsum(x[0], n.whole(0)); }},

      {"reshape", [](X x, N n) { return reshape(x[0], n.sizes()); }},
      {"unsqueeze", [](X x, N n) { return unsqueeze(x[0], n.whole(0)); }},
      {"unsqueeze/size", [](X x, N n) { return unsqueeze(x[0], n.whole(0), n.count(1)); }},
      {"transpose", [](X x, N) { return transpose(x[0]); }},
      {"transpose/axes", [](X x, N n) { return transpose(x[0], n.axes()); }},
      {"concatenate", [](X x, N n) { return concatenate(x, n.whole(0)); }},
      {"slice", [](X x, N n) { return slice(x[0], n.whole(0), n.count(1), n.count(2)); }},
      {"broadcast", [](X x, N n) { return broadcast(x[0], n.shape()); }},
      {"gather_rows", [](X x, N n) { return gather_rows(x[0], n.counts()); }},
      {"repeat_rows", [](X x, N n) { return repeat_rows(x[0], n.count(0)); }},
      {"strictly_lower", [](X x, N) { return strictly_lower(x[0]); }},

      {"matmul", [](X x, N) { return matmul(x[0], x[1]); }},
      {"matmul/batched", [](X x, N) { return matmul(x[0], x[1]); }},
      {"affine", [](X x, N) { return affine(x[0], x[1], x[2]); }},
      {"cholesky", [](X x, N) { return cholesky(x[0]); }},
      {"triangular_solve", [](X x, N) { return triangular_solve(x[0], x[1]); }},
      {"triangular_solve/turned", [](X x, N) { return triangular_solve(x[0], x[1], Transpose::yes); }},
      {"batch_norm", [](X x, N n) { return batch_norm(x[0], x[1], x[2], n[0]).y; }},

      {"normal_log_density", [](X x, N) { return normal_log_density(x[0], x[1], x[2]); }},
      {"pairwise_normal_log_density", [](X x, N) { return pairwise_normal_log_density(x[0], x[1], x[2]); }},
      {"standard_normal_log_density", [](X x, N) { return standard_normal_log_density(x[0]); }},
      {"bernoulli_log_density", [](X x, N) { return bernoulli_log_density(x[0], x[1]); }},
      {"reparameterize", [](X x, N) { return reparameterize(x[0], x[1], x[2]); }},
      {"standard_normal_kl", [](X x, N) { return standard_normal_kl(x[0], x[1]); }},
      {"draw_log_density", [](X x, N) { return draw_log_density(x[0], x[1]); }},
      {"strict_lower_product", [](X x, N) { return strict_lower_product(x[0], x[1]); }},
  };
}

template std::map<std::string, Operation<float>> operations();
template std::map<std::string, Operation<double>> operations();

}  // namespace strata::differential
