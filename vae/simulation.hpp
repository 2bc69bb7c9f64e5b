// Draws from a model: the one case in which an exact draw from the posterior p(z | x) is known.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "strata/tensor/linalg.hpp"
#include "strata/vae/log_weight.hpp"

namespace strata {

/// Ancestral draws of all layers, and what they decode to.
template <class T> struct Simulated {
  std::vector<Tensor<T>> z;  // z_1 ... z_T, (N, L_t) each
  Tensor<T> mean;            // (N, D), E[x | z_1]
};

/// Draws z_T ... z_1 from the prior downwards, for `count` rows or those of a condition.
template <class T, GenerativeModel<T> Model>
Simulated<T> simulate(const Model& model, std::size_t count, const std::optional<Versioned<T>>& condition,
                      Rng& rng) {
  Tape<T> tape(Record::values);
  const auto given = condition ? tape.reference(*condition) : Var<T>();
  const auto z = model.draw(tape, 1, count, given, rng);
  Simulated<T> simulated{{}, model.decode(z, given, Noise<T>::zero()).value()};
  for (const auto& layer : z) simulated.z.push_back(layer.value());
  return simulated;
}

/// The noise ε (L) of which the model makes these z_1 ... z_T, (1, L_t) each, for one image: of models whose
/// every z_t is affine in its own layer's noise, as a normal's draw is, with a triangular matrix, given the
/// layers that it depends on, below or above it. Throws for others.
template <class T, LatentModel<T> Model>
Tensor<double> noise_of(const Model& model, const Batch<T>& image, const std::vector<Tensor<T>>& z) {
  const auto widths = detail::noise_widths(model, image);
  const auto refuse = [](std::size_t t) {
    fail("noise_of", "z_" + std::to_string(t + 1) + " is no affine function of its layer's noise");
  };
  if (widths.size() != z.size()) refuse(std::min(widths.size(), z.size()));
  std::size_t width = 0, begin = 0;
  for (const std::size_t layer : widths) width += layer;
  Tensor<double> epsilon = xt::zeros<double>({width});
  Tape<T> tape(Record::values);
  // z_t (rows, L_t) for ε in every row, moved by one unit of its layer's noise in each row but the first
  const auto layer_at = [&](std::size_t t, std::size_t rows) -> Tensor<double> {
    Tensor<T> noise(Shape{rows, width});
    for (std::size_t row = 0; row < rows; ++row)
      std::transform(epsilon.begin(), epsilon.end(), noise.data() + row * width,
                     [](double e) { return static_cast<T>(e); });
    for (std::size_t row = 1; row < rows; ++row) noise(row, begin + row - 1) += T(1);
    tape.reset();
    const auto pass =
        model.pass(image.on(tape, rows), detail::noise_columns(tape.variable(noise)), Context{});
    return xt::cast<double>(pass.layers[t].z.value());
  };
  const auto solve = [&](std::size_t t) {
    const std::size_t units = widths[t];
    if (z[t].size() != units) refuse(t);
    const Tensor<double> drawn = layer_at(t, units + 1);  // mean, mean + C's columns
    Tensor<double> factor(Shape{units, units}), solved(Shape{units, std::size_t{1}});
    for (std::size_t i = 0; i < units; ++i) {
      solved(i, 0) = static_cast<double>(z[t].data()[i]) - drawn(0, i);
      for (std::size_t j = 0; j < units; ++j) factor(i, j) = drawn(j + 1, i) - drawn(0, i);
    }
    solve_triangular<double>({factor.data(), units, units}, Transpose::no, {solved.data(), units, 1});
    for (std::size_t i = 0; i < units; ++i) epsilon(begin + i) += solved(i, 0);
  };
  // Each sweep makes one more layer right, the one that is drawn next after those that are.
  for (std::size_t sweep = 0; sweep < z.size(); ++sweep) {
    begin = 0;
    for (std::size_t t = 0; t < z.size(); begin += widths[t++]) solve(t);
  }
  for (std::size_t t = 0; t < z.size(); ++t) {
    const Tensor<double> found = layer_at(t, 1);
    for (std::size_t i = 0; i < widths[t]; ++i) {
      const double wanted = z[t].data()[i];
      if (!(std::abs(found(0, i) - wanted) <= 1e-3 * (1 + std::abs(wanted)))) refuse(t);
    }
  }
  return epsilon;
}

}  // namespace strata
