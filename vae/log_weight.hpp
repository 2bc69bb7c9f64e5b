// A model as a density over the noise of its layers.
//
// z is made of noise ε ~ N(0, I), layer by layer: z = f(ε; x). In terms of ε, p(x, z) is
// N(ε; 0, I) w(ε) with w = p(x, z) / q(z | x), whatever the model, so that ln w and its derivative are all
// that other ways of estimating p(x) = ∫ N(ε; 0, I) w(ε) dε need; q(z | x) itself is there N(0, I). Where a
// layer does not depend on its noise smoothly (a discrete draw) no gradient comes from it; estimates stay
// right, and become less efficient.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "strata/autograd/shape.hpp"
#include "strata/vae/batches.hpp"

namespace strata {

/// ln w(ε) of one image, for rows ε: the noise of all layers side by side.
class LogWeight {
 public:
  /// Writes ln w (B) and, unless null, its derivative (B, L) for ε (B, L).
  using Function =
      std::function<void(const Tensor<double>& epsilon, Tensor<double>& value, Tensor<double>* gradient)>;

  LogWeight(std::size_t width, Function function) : width_(width), function_(std::move(function)) {}

  std::size_t width() const { return width_; }  ///< L

  /// The function's. Where ε is not finite, or beyond any place that N(0, I) reaches, w counts as 0: what a
  /// diverging trajectory needs. Throws for ε of another width.
  void operator()(const Tensor<double>& epsilon, Tensor<double>& value,
                  Tensor<double>* gradient = nullptr) const;

 private:
  std::size_t width_;
  Function function_;
};

namespace detail {

/// The columns of ε (B, L), a layer's after another's.
template <class T> Noise<T> noise_columns(Var<T> epsilon) {
  return Noise<T>([epsilon, begin = std::size_t{0}](Tape<T>&, const Shape& shape) mutable {
    const std::size_t rows = epsilon.shape()[0], end = begin + element_count(shape) / rows;
    const auto part = slice(epsilon, 1, begin, end);
    begin = end;
    return part.shape() == shape ? part : reshape(part, shape);
  });
}

/// How many numbers a model asks for each row, layer by layer.
template <class T, LatentModel<T> Model>
std::vector<std::size_t> noise_widths(const Model& model, const strata::Batch<T>& image) {
  std::vector<std::size_t> widths;
  Tape<T> tape(Record::values);
  (void)model.pass(image.on(tape), Noise<T>([&](Tensor<T>& x) {
                     widths.push_back(x.size());
                     x.fill(T(0));
                   }),
                   Context{});
  return widths;
}

}  // namespace detail

/// ln w(ε) of a model and one image (1, D). The model must outlive it. Throws unless there is one image.
template <class T, LatentModel<T> Model> LogWeight log_weight_of(const Model& model, Batch<T> image) {
  if (image.x.value().shape(0) != 1)
    fail("log_weight_of", "needs one image, x is " + to_string(image.x.value().shape()));
  struct State {
    Batch<T> image;
    Tensor<T> epsilon;
    Tape<T> values{Record::values}, inputs{Record::inputs};
  };
  std::size_t width = 0;
  for (const std::size_t layer : detail::noise_widths(model, image)) width += layer;
  const auto state = std::make_shared<State>();
  state->image = std::move(image);
  return {width,
          [&model, state](const Tensor<double>& epsilon, Tensor<double>& value, Tensor<double>* gradient) {
            Tape<T>& tape = gradient ? state->inputs : state->values;
            tape.reset();
            state->epsilon = xt::cast<T>(epsilon);
            const auto noise = tape.variable(state->epsilon);
            const auto pass =
                model.pass(state->image.on(tape, epsilon.shape(0)), detail::noise_columns(noise), Context{});
            const auto log_weight = pass.log_weight();
            value = xt::cast<double>(log_weight.value());
            if (!gradient) return;
            gradient->fill(0);
            if (!log_weight.needs_grad()) return;
            const auto ones = tape.constant(log_weight.shape(), [](Tensor<T>& x) { x.fill(T(1)); });
            tape.backward(log_weight, ones.value());
            if (noise.has_grad()) *gradient = xt::cast<double>(noise.grad());
          }};
}

}  // namespace strata
