// The distributions of vae. Noise is an input like any other.
#include "strata/vae/distributions.hpp"

#include "strata/autograd/operations.hpp"
#include "strata/tests/differential/case.hpp"

namespace strata::differential {
namespace {

template <class T> Noise<T> given(Var<T> epsilon) {
  return Noise<T>([epsilon](Tape<T>&, const Shape&) { return epsilon; });
}

// A draw and its log density side by side: (B, L + 1)
template <class T> Var<T> both(const Draw<T>& draw) {
  return concatenate({draw.z, unsqueeze(draw.log_prob, -1)}, -1);
}

template <class T> Normal<T> normal(const std::vector<Var<T>>& x) { return {x[0], x[1]}; }
template <class T> FullNormal<T> full(const std::vector<Var<T>>& x) { return {x[0], x[1], x[2]}; }

}  // namespace

template <class T> std::map<std::string, Operation<T>> distributions() {
  using X = const std::vector<Var<T>>&;
  using N = const Numbers<T>&;
  return {
      {"sample/Normal", [](X x, N) { return sample(normal(x), given(x[2])); }},
      {"sample/FullNormal", [](X x, N) { return sample(full(x), given(x[3])); }},
      {"sample/Bernoulli", [](X x, N) { return sample(Bernoulli<T>{x[0]}, given(x[1])); }},
      {"sample/StandardNormal",
       [](X x, N) { return sample(standard_normal, x[0].tape(), x[0].shape(), given(x[0])); }},
      {"sample_and_log_prob/Normal",
       [](X x, N) { return both(sample_and_log_prob(normal(x), given(x[2]))); }},
      {"sample_and_log_prob/FullNormal",
       [](X x, N) { return both(sample_and_log_prob(full(x), given(x[3]))); }},
      {"log_prob/Normal", [](X x, N) { return log_prob(normal(x), x[2]); }},
      {"log_prob/FullNormal", [](X x, N) { return log_prob(full(x), x[3]); }},
      {"log_prob/StandardNormal", [](X x, N) { return log_prob(standard_normal, x[0]); }},
      {"log_prob/Bernoulli", [](X x, N) { return log_prob(Bernoulli<T>{x[0]}, x[1]); }},
      {"mean/Normal", [](X x, N) { return mean(normal(x)); }},
      {"mean/FullNormal", [](X x, N) { return mean(full(x)); }},
      {"mean/Bernoulli", [](X x, N) { return mean(Bernoulli<T>{x[0]}); }},
      {"kl/Normal", [](X x, N) { return kl(normal(x), standard_normal); }},
      {"kl/FullNormal", [](X x, N) { return kl(full(x), standard_normal); }},
      {"kl/Normals",
       [](X x, N) {
         return kl(normal(x), Normal<T>{x[2], x[3]});
       }},
      {"repeat_rows/Normal",
       [](X x, N n) {
         const auto repeated = repeat_rows(normal(x), n.count(0));
         return concatenate({repeated.mean, repeated.log_variance}, -1);
       }},
      {"repeat_rows/FullNormal",
       [](X x, N n) {
         const auto repeated = repeat_rows(full(x), n.count(0));
         return concatenate({repeated.mean, repeated.log_variance, repeated.lower}, -1);
       }},
  };
}

template std::map<std::string, Operation<float>> distributions();
template std::map<std::string, Operation<double>> distributions();

}  // namespace strata::differential
