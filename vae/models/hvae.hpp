// The two-layer variational autoencoder of Tomczak and Welling (2018, section 3): its posterior goes down,
// and x depends on both layers.
#pragma once

#include "strata/vae/models/vae.hpp"

namespace strata {

/// p(x, z) = p(z_2) p(z_1 | z_2) p(x | z_1, z_2), q(z | x) = q(z_2 | x) q(z_1 | x, z_2). A network of two
/// inputs reads each through layers of its own, of all widths but the last, and both through that.
template <class T> struct Hvae {
  NormalHead<T> q2;    // q(z_2 | x)
  Mlp<T> x_q1, z2_q1;  // what q(z_1 | x, z_2) reads of x, and of z_2
  NormalHead<T> q1;
  NormalHead<T> p1;               // p(z_1 | z_2)
  Mlp<T> z1_decoder, z2_decoder;  // what p(x | z_1, z_2) reads of z_1, and of z_2
  Decoder<T> decoder;
  Prior<T> prior;  // p(z_2)

  /// `hidden` are the widths of q(z_2 | x), q(z_1 | x, z_2) and p(x | z_1, z_2), each in this order,
  /// `upper_hidden` those of p(z_1 | z_2). Weights are drawn from `rng`. Throws unless there are two latent
  /// widths, for a condition, and for posteriors that are not `normal`.
  Hvae(const VaeConfig& config, Rng& rng);

  /// Draws z_2, then z_1 from q and gives every factor's term.
  Pass<T> pass(const Given<T>& given, const Noise<T>& noise, Context context = {}) const;

  /// Ancestral draws of z_t ... z_2: (rows, L_t) each. Throws unless t is 1 or 2.
  Layers<Var<T>> draw(Tape<T>& tape, std::size_t t, std::size_t rows, Var<T>, const Noise<T>& noise) const;

  /// E[x | z_1, z_2]: (rows, D), after drawing z_1 where z_2 alone is given. Throws unless one or both are.
  Var<T> decode(const Layers<Var<T>>& z, Var<T>, const Noise<T>& noise) const;

  /// As those of Vae.
  Interval support() const { return detail::support(decoder); }
  void start_at(const Tensor<T>& mean) { detail::start_at(decoder, mean); }
  void start_pseudo_inputs(const Tensor<T>& inputs) { detail::start_pseudo_inputs(prior, inputs); }
  void encode_prior() { strata::encode_prior(prior, q2); }
  Layers<std::size_t> latent() const { return {q1.width(), q2.width()}; }

  static void fields(auto& self, auto&& visit) {
    visit("q2", self.q2);
    visit("x_q1", self.x_q1);
    visit("z2_q1", self.z2_q1);
    visit("q1", self.q1);
    visit("p1", self.p1);
    visit("z1_decoder", self.z1_decoder);
    visit("z2_decoder", self.z2_decoder);
    visit("decoder", self.decoder);
    visit("prior", self.prior);
  }

 private:
  struct Checked {};
  Hvae(const VaeConfig& config, Rng& rng, Checked);
  // What p(x | z_1, z_2) reads: (rows, 2 H)
  Var<T> joined(Var<T> z1, Var<T> z2, Context context) const;
};

}  // namespace strata
