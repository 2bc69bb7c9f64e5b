#include "strata/vae/heads.hpp"

#include <algorithm>
#include <cmath>

#include "strata/autograd/elementwise.hpp"
#include "strata/autograd/shape.hpp"

namespace strata {
namespace {

template <class T, class F>
void set_bias(Linear<T>& output, const Tensor<T>& mean, const Interval& support, F f) {
  const Shape& shape = output.bias.value().shape();
  if (mean.shape() != shape)
    fail("start_at", "the mean is " + to_string(mean.shape()) + ", the output's bias " + to_string(shape));
  require_within("start_at", "the mean", mean, support);
  std::transform(mean.begin(), mean.end(), output.bias.write().begin(), f);
}

// ln of a variance as T holds it
template <class T> T log_of_variance(double noise_variance) {
  const T variance = static_cast<T>(noise_variance);
  if (!(variance > 0 && std::isfinite(variance)))
    fail("HomoscedasticHead",
         "the noise variance is " + std::to_string(noise_variance) + "; it must be above 0 and finite");
  return std::log(variance);
}

}  // namespace

template <class T> NormalHead<T>::NormalHead(std::size_t in, const std::vector<std::size_t>& hidden,
                                             std::size_t out, const MlpOptions& options, Rng& rng, Scale kind)
    : body(in, hidden, options, rng),
      mean(body.width(in), out, *body.options.init, rng),
      scale(body.width(in), out, *body.options.init, rng),
      scale_kind(kind) {}

template <class T> Normal<T> NormalHead<T>::of(Var<T> h) const {
  auto s = scale(h);
  if (scale_kind == Scale::softplus) s = 2 * log_softplus(s);  // ln σ² = 2 ln softplus s
  if (scale_kind == Scale::clamped) s = clamp(s, T(-6), T(2));
  return {mean(h), s};
}

template <class T>
FullNormalHead<T>::FullNormalHead(std::size_t in, const std::vector<std::size_t>& hidden, std::size_t out,
                                  const MlpOptions& options, Rng& rng, Scale kind)
    : diagonal(in, hidden, out, options, rng, kind),
      lower(diagonal.body.width(in), out * (out - 1) / 2, *diagonal.body.options.init, rng) {}

template <class T> FullNormal<T> FullNormalHead<T>::operator()(Var<T> x, Context context) const {
  const auto h = diagonal.body(x, context);
  const auto p = diagonal.of(h);
  return {p.mean, p.log_variance, lower(h)};
}

template <class T> BernoulliHead<T>::BernoulliHead(std::size_t in, const std::vector<std::size_t>& hidden,
                                                   std::size_t out, const MlpOptions& options, Rng& rng)
    : body(in, hidden, options, rng), output(body.width(in), out, *body.options.init, rng) {}

template <class T> void BernoulliHead<T>::start_at(const Tensor<T>& mean) {
  set_bias(output, mean, Bernoulli<T>::support, [](T grey) {
    const T p = std::clamp(grey, T(0.001), T(0.999));
    return std::log(p / (1 - p));
  });
}

template <class T>
HomoscedasticHead<T>::HomoscedasticHead(std::size_t in, const std::vector<std::size_t>& hidden,
                                        std::size_t out, const MlpOptions& options, Rng& rng,
                                        Variance variance, double noise_variance)
    : body(in, hidden, options, rng),
      output(body.width(in), out, *body.options.init, rng),
      log_variance{
          Tensor<T>(Shape{variance == Variance::each ? out : 1}, log_of_variance<T>(noise_variance))} {
  log_variance.frozen = variance == Variance::fixed;
}

template <class T> void HomoscedasticHead<T>::start_at(const Tensor<T>& mean) {
  set_bias(output, mean, Normal<T>::support, [](T value) { return value; });
}

template <class T> Var<T> beside(Var<T> x, Var<T> condition) {
  return condition ? concatenate<T>({x, condition}, 1) : x;
}

#define STRATA_INSTANTIATE(T)           \
  template struct NormalHead<T>;        \
  template struct FullNormalHead<T>;    \
  template struct BernoulliHead<T>;     \
  template struct HomoscedasticHead<T>; \
  template Var<T> beside(Var<T>, Var<T>);
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)

}  // namespace strata
