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

/// The noise ε (L) of which the model makes these z_1 ... z_T, (1, L_t) each, for one image: by Newton's
/// steps, the layers in turn. Nothing where a layer's noise are not as many numbers as its z, or none is
/// found.
template <class T, LatentModel<T> Model>
std::optional<Tensor<double>> noise_of(const Model& model, const Batch<T>& image,
                                       const std::vector<Tensor<T>>& z) {
  constexpr T by = T(1) / 16;  // of differences
  constexpr int most_steps = 50;
  const auto widths = detail::noise_widths(model, image);
  if (!std::equal(widths.begin(), widths.end(), z.begin(), z.end(),
                  [](std::size_t width, const Tensor<T>& layer) { return width == layer.size(); }))
    return {};
  std::size_t width = 0, begin = 0;
  for (const std::size_t layer : widths) width += layer;
  Tensor<double> epsilon = xt::zeros<double>({width});
  Tape<T> tape(Record::values);
  // z_t (rows, L_t) for ε in every row, moved in one component of its layer's noise in each row but the first
  const auto layer_at = [&](std::size_t t, std::size_t rows) -> Tensor<double> {
    Tensor<T> noise(Shape{rows, width});
    for (std::size_t row = 0; row < rows; ++row)
      std::transform(epsilon.begin(), epsilon.end(), noise.data() + row * width,
                     [](double e) { return static_cast<T>(e); });
    for (std::size_t row = 1; row < rows; ++row) noise(row, begin + row - 1) += by;
    tape.reset();
    const auto pass =
        model.pass(image.on(tape, rows), detail::noise_columns(tape.variable(noise)), Context{});
    return xt::cast<double>(pass.layers[t].z.value());
  };
  // One step: the largest change of ε, J the derivative of z_t by its noise, J ᵀJ Δε = Jᵀ (z − z(ε)).
  const auto step = [&](std::size_t t) {
    const std::size_t units = widths[t];
    const Tensor<double> drawn = layer_at(t, units + 1);
    Tensor<double> jacobian(Shape{units, units}), rest(Shape{units, std::size_t{1}}), square, change;
    for (std::size_t i = 0; i < units; ++i) {
      rest(i, 0) = static_cast<double>(z[t].data()[i]) - drawn(0, i);
      for (std::size_t j = 0; j < units; ++j) jacobian(i, j) = (drawn(j + 1, i) - drawn(0, i)) / by;
    }
    matmul(jacobian, Transpose::yes, jacobian, Transpose::no, 0.0, square);
    matmul(jacobian, Transpose::yes, rest, Transpose::no, 0.0, change);
    const double largest = xt::amax(xt::diagonal(square))();
    if (!(largest > 0 && std::isfinite(largest))) return 0.0;  // the noise does nothing here
    square += 1e-12 * largest * xt::eye<double>(units);
    cholesky<double>({square.data(), units, units});
    for (const auto transpose : {Transpose::no, Transpose::yes})
      solve_triangular<double>({square.data(), units, units}, transpose, {change.data(), units, 1});
    for (std::size_t i = 0; i < units; ++i) epsilon(begin + i) += change(i, 0);
    return xt::amax(xt::abs(change))();
  };
  // Each sweep makes one more layer right, the one that is drawn next after those that are.
  for (std::size_t sweep = 0; sweep < z.size(); ++sweep) {
    begin = 0;
    for (std::size_t t = 0; t < z.size(); begin += widths[t++])
      for (int i = 0; i < most_steps && step(t) > 1e-4; ++i) {
      }
  }
  for (std::size_t t = 0; t < z.size(); ++t) {
    const Tensor<double> found = layer_at(t, 1);
    for (std::size_t i = 0; i < widths[t]; ++i) {
      const double wanted = z[t].data()[i];
      if (!(std::abs(found(0, i) - wanted) <= 1e-3 * (1 + std::abs(wanted)))) return {};
    }
  }
  return epsilon;
}

}  // namespace strata
