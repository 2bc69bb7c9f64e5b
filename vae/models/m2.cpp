#include "strata/vae/models/m2.hpp"

#include <cmath>

#include "strata/autograd/arithmetic.hpp"
#include "strata/autograd/elementwise.hpp"
#include "strata/autograd/reduce.hpp"
#include "strata/autograd/shape.hpp"
#include "strata/vae/draw_layer.hpp"

namespace strata {
namespace {

VaeConfig checked(const VaeConfig& c) {
  if (c.latent.size() != 1) fail("M2", "needs one latent width, and has " + std::to_string(c.latent.size()));
  if (c.prior != PriorKind::standard) fail("M2", "has a prior of its own");
  if (c.components == 0) fail("M2", "needs at least one class");
  return detail::completed(c);
}

// The unit vectors of all classes, again and again: (rows K, K)
template <class T> Var<T> every_class(Tape<T>& tape, std::size_t rows, std::size_t classes) {
  return tape.constant(Shape{rows * classes, classes}, [=](Tensor<T>& y) {
    y.fill(T(0));
    for (std::size_t i = 0; i < rows * classes; ++i) y(i, i % classes) = T(1);
  });
}

}  // namespace

template <class T> M2<T>::M2(const VaeConfig& c, Rng& rng)
    : body(c.data, c.hidden, checked(c).networks, rng),
      logits(body.width(c.data), c.components, *checked(c).networks.init, rng),
      q(c.data + c.components, c.hidden, c.latent[0], checked(c).networks, rng, c.scale),
      decoder(
          detail::make_decoder<T>(checked(c), c.latent[0] + c.components, detail::reversed(c.hidden), rng)) {}

template <class T> Var<T> M2<T>::label(const Given<T>& given, Context context) const {
  const Shape shape = {given.x.shape()[0], classes()};
  if (context.mode == Mode::inference || !given.condition)
    return given.x.tape().constant(shape, [](Tensor<T>& y) { y.fill(T(0)); });
  if (given.condition.shape() != shape)
    fail("M2", "the condition is " + to_string(given.condition.shape()) + "; it must be " + to_string(shape));
  return given.condition;
}

template <class T> Pass<T> M2<T>::pass(const Given<T>& given, const Noise<T>& noise, Context context) const {
  if (given.paths != Paths::joint) fail("M2", "its draws of z have no paths apart");
  const std::size_t images = given.x.shape()[0], samples = given.samples, rows = images * samples;
  const std::ptrdiff_t k = static_cast<std::ptrdiff_t>(classes()), l = static_cast<std::ptrdiff_t>(q.width());
  Tape<T>& tape = given.x.tape();
  const auto log_q_y = log_softmax(logits(body(given.x, context)));
  const auto y = label(given, context), unknown = T(1) - sum(y, {1}, KeepAxes::yes);  // (N, 1)
  const auto q_y = unknown * exp(log_q_y);
  const auto share = repeat_rows(y + q_y, samples);  // of every y: (B, K)

  const auto of_y = q.of(q.body(given.x, every_class(tape, images, classes()), context));
  const auto posterior =
      repeat_rows(Normal<T>{reshape(of_y.mean, {-1, k, l}), reshape(of_y.log_variance, {-1, k, l})}, samples);
  const Layer<T> drawn = draw_layer(posterior, noise, Paths::joint);  // z (B, K, L), log_q (B, K)
  const auto log_p = log_prob(standard_normal, drawn.z);
  const auto read = beside(reshape(drawn.z, {-1, l}), every_class(tape, rows, classes()));
  const auto x = repeat_rows(given.x, samples * classes());
  const auto likelihood = reshape(
      std::visit([&](const auto& head) { return log_prob(head(read, context), x); }, decoder), {-1, k});

  const auto over_y = [&](Var<T> v) { return sum(v * share, {1}); };                   // (B, K): (B)
  const auto weighted = [&](Var<T> v) { return sum(v * unsqueeze(share, -1), {1}); };  // (B, K, L): (B, L)
  Layer<T> z{weighted(drawn.z),
             weighted(drawn.mean),
             over_y(drawn.log_q),
             over_y(log_p),
             over_y(kl(posterior, standard_normal)),
             {}};
  // Where y is unknown, ln Σ_y w_y instead of the mean of ln w_y, w_y = p(x, z_y | y) / q(z_y | x, y).
  const auto log_w = likelihood + log_p - drawn.log_q;
  const auto beyond = repeat_rows(reshape(unknown, {-1}), samples) * (logsumexp(log_w) - over_y(log_w));
  const T log_classes = std::log(static_cast<T>(k));
  Layer<T> of_label{share,
                    share,
                    0 * beyond,
                    beyond - log_classes,
                    repeat_rows(sum(q_y * log_q_y, {1}) + log_classes, samples),
                    {}};
  const auto penalty = repeat_rows(-classifier_weight * sum(y * log_q_y, {1}), samples);
  return {samples, over_y(likelihood), {z, of_label}, penalty};
}

template <class T> Var<T> M2<T>::classify(Var<T> x, Context context) const {
  return softmax(logits(body(x, context)));
}

template <class T> Layers<Var<T>> M2<T>::draw(Tape<T>& tape, std::size_t t, std::size_t rows,
                                              Var<T> condition, const Noise<T>& noise) const {
  if (t != 1 && t != 2) fail("draw", "there is no layer " + std::to_string(t) + "; they are 1 and 2");
  auto y = condition;
  if (!y) {
    const Tensor<T>& u = noise.uniform(tape, {rows}).value();
    y = tape.constant(Shape{rows, classes()}, [&](Tensor<T>& unit) {
      unit.fill(T(0));
      const auto last = classes() - 1;
      for (std::size_t i = 0; i < rows; ++i)
        unit(i, std::min(last, static_cast<std::size_t>(u(i) * static_cast<T>(classes())))) = T(1);
    });
  }
  if (t == 2) return {y};
  return {sample(standard_normal, tape, {y.shape()[0], q.width()}, noise), y};
}

template <class T> Var<T> M2<T>::decode(const Layers<Var<T>>& z, Var<T>, const Noise<T>& noise) const {
  if (z.empty() || z.size() > 2)
    fail("decode", "needs y, or z and y, and has " + std::to_string(z.size()) + " of them");
  const auto y = z.back();
  const auto lowest =
      z.size() == 2 ? z[0] : sample(standard_normal, y.tape(), {y.shape()[0], q.width()}, noise);
  return std::visit([&](const auto& head) { return mean(head(beside(lowest, y))); }, decoder);
}

template struct M2<float>;
template struct M2<double>;

}  // namespace strata
