// A normal likelihood of images whose residuals are correlated (Dorta et al. 2018).
#pragma once

#include "strata/vae/heads.hpp"

namespace strata {

/// N(mean, (L Lᵀ)⁻¹) of images: L is lower triangular in the order of reading, and pixel j's column of it
/// holds e^log_diagonal_j and, below, an entry for each of its four later neighbours: right, lower left,
/// below, lower right.
template <class T> struct StructuredNormal {
  static constexpr Interval support = real_numbers;
  Var<T> mean;          // (B, D)
  Var<T> log_diagonal;  // (B, D)
  Var<T> below;  // (B, 4 D), the entries of each neighbour, one after another; beyond the border unused
  Shape image;   // (height, width)
};

/// −½ ‖Lᵀ (x − mean)‖² + Σ ln L_jj − D/2 ln 2π: (B). Throws unless the shapes fit.
template <class T> Var<T> log_prob(const StructuredNormal<T>& p, Var<T> x);

/// mean + L⁻ᵀ ε, as a constant: (B, D).
template <class T> Var<T> sample(const StructuredNormal<T>& p, const Noise<std::type_identity_t<T>>& noise);

template <class T> Var<T> mean(const StructuredNormal<T>& p) { return p.mean; }

/// h = body(z), and everything linear in h: p(x | z) for real images x. L starts at e^(−½ log_variance) I.
template <class T> struct StructuredHead {
  Mlp<T> body;
  Linear<T> output, log_diagonal, below;
  Shape image;  // (height, width)

  StructuredHead(std::size_t in, const std::vector<std::size_t>& hidden, const Shape& size,
                 const MlpOptions& options, Rng& rng, double log_variance = 0);

  StructuredNormal<T> operator()(Var<T> z, Context context = {}) const;

  static void fields(auto& self, auto&& visit) {
    visit("body", self.body);
    visit("output", self.output);
    visit("log_diagonal", self.log_diagonal);
    visit("below", self.below);
  }
};

}  // namespace strata
