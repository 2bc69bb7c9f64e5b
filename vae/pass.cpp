#include "strata/vae/pass.hpp"

#include "strata/autograd/arithmetic.hpp"

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

template struct Layer<float>;
template struct Layer<double>;
template struct Pass<float>;
template struct Pass<double>;

}  // namespace strata
