#include "strata/vae/pass.hpp"

#include "strata/autograd/arithmetic.hpp"
#include "strata/autograd/reduce.hpp"

namespace strata {
namespace {

// log_likelihood − beta Σ_t part(layer t)
template <class T, class F> Var<T> bound(const Pass<T>& pass, T beta, F part) {
  Var<T> total;
  for (std::size_t t = pass.layers.size(); t-- > 0;) {
    const Var<T> term = part(pass.layers[t]);
    if (term.shape() != pass.log_likelihood.shape())
      fail("Pass", "log_likelihood is " + to_string(pass.log_likelihood.shape()) + ", layer " +
                       std::to_string(t + 1) + "'s terms give " + to_string(term.shape()) +
                       "; each is one number a row");
    total = total ? total + term : term;
  }
  if (!total) return pass.log_likelihood;
  return pass.log_likelihood - (beta == T(1) ? total : beta * total);
}

}  // namespace

template <class T> Var<T> Layer<T>::divergence() const { return kl ? kl : log_q - log_p; }

template <class T> Var<T> Pass<T>::elbo(T beta) const {
  return bound(*this, beta, [](const Layer<T>& layer) { return layer.divergence(); });
}

template <class T> Var<T> Pass<T>::log_weight(T beta) const {
  return bound(*this, beta, [](const Layer<T>& layer) { return layer.log_q - layer.log_p; });
}

// y = (Σ x + what others sum)/B    ȳ is summed over the processes before it goes on to x
template <class T> Var<T> Pass<T>::batch_mean(Var<T> term) const {
  if (!group) return mean(term);
  const auto own = sum(term);
  T total[] = {own.value()(), static_cast<T>(term.value().size())};
  group->sum(total);
  const auto others = own.tape().constant(Shape{}, [&](Tensor<T>& x) { x.fill(total[0] - own.value()()); });
  const auto y = (own + others) / total[1];
  own.tape().on_gradient(y, [g = group](Tensor<T>& x) { g->sum({x.data(), x.size()}); });
  return y;
}

template struct Layer<float>;
template struct Layer<double>;
template struct Pass<float>;
template struct Pass<double>;

}  // namespace strata
