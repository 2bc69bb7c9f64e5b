// Semi-supervised learning with a latent class (Kingma et al. 2014, "M2").
#pragma once

#include "strata/vae/models/vae.hpp"

namespace strata {

/// p(x, y, z) = p(y) p(z) p(x | y, z), y one of K classes alike and z ~ N(0, I); q(y, z | x) = q(y | x)
/// q(z | x, y). Every y is taken, by its share of q(y | x): none is drawn. In training a row of the condition
/// that is a unit vector is a known y, and a row of zeros says that it is unknown.
template <class T> struct M2 {
  Mlp<T> body;  // of q(y | x)
  Linear<T> logits;
  NormalHead<T> q;          // q(z | x, y)
  Decoder<T> decoder;       // p(x | y, z)
  T classifier_weight = 1;  // of −ln q(y | x) for each x whose y is known

  /// One latent width; `components` is K, `hidden` are the widths of q(y | x) and q(z | x, y) and, in
  /// reverse, of p(x | y, z). Throws for another number of latent widths, another prior than `standard`, and
  /// K = 0.
  M2(const VaeConfig& config, Rng& rng);

  /// Layers z and y. The ELBO is −L(x, y) of the paper's equation 6 where y is known, −U(x) of its equation 7
  /// where it is not; a log weight is ln Σ_y p(x, y, z_y) / q(z_y | x, y), without q(y | x). Throws for
  /// another condition than (N, K) in training, and for split paths.
  Pass<T> pass(const Given<T>& given, const Noise<T>& noise, Context context = {}) const;

  /// q(y | x): (N, K).
  Var<T> classify(Var<T> x, Context context = {}) const;

  /// y as unit vectors, the condition's where there is one, or z and y.
  Layers<Var<T>> draw(Tape<T>& tape, std::size_t t, std::size_t rows, Var<T> condition,
                      const Noise<T>& noise) const;

  /// E[x | y, z], after drawing z where y alone is given.
  Var<T> decode(const Layers<Var<T>>& z, Var<T>, const Noise<T>& noise) const;

  /// As those of Vae.
  Interval support() const { return detail::support(decoder); }
  void start_at(const Tensor<T>& mean) { detail::start_at(decoder, mean); }
  Layers<std::size_t> latent() const { return {q.width(), classes()}; }

  static void fields(auto& self, auto&& visit) {
    visit("classifier", self.body);
    visit("classifier.logits", self.logits);
    visit("q", self.q);
    visit("decoder", self.decoder);
  }

 private:
  std::size_t classes() const { return logits.bias.value().size(); }
  Var<T> label(const Given<T>& given, Context context) const;  // (N, K), zeros where y is unknown
};

}  // namespace strata
