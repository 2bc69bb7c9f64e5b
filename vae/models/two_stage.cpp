#include "strata/vae/models/two_stage.hpp"

#include "strata/autograd/shape.hpp"

namespace strata {
namespace {

// p(z | u)
template <class T> Var<T> draw_z(const Vae<T>& second, Var<T> u, const Noise<T>& noise) {
  return std::visit([&](const auto& head) { return sample(head(u), noise); }, second.decoder);
}

}  // namespace

template <class T> TwoStage<T>::TwoStage(Vae<T> first_stage, Vae<T> second_stage)
    : first(std::move(first_stage)), second(std::move(second_stage)) {
  if (first.q.size() != 1 || second.q.size() != 1)
    fail("TwoStage", "its stages have one stochastic layer each, and these have " +
                         std::to_string(first.q.size()) + " and " + std::to_string(second.q.size()));
  const std::size_t width =
      std::visit([](const auto& head) { return head.output.bias.value().size(); }, second.decoder);
  if (width != first.latent()[0])
    fail("TwoStage", "z has " + std::to_string(first.latent()[0]) +
                         " components, and the second stage's data " + std::to_string(width));
}

template <class T>
Pass<T> TwoStage<T>::pass(const Given<T>& given, const Noise<T>& noise, Context context) const {
  if (given.paths != Paths::joint) fail("TwoStage", "its stages are trained one after the other");
  Pass<T> pass = first.pass(given, noise, context);
  Layer<T>& z = pass.layers[0];
  const auto condition = given.condition ? repeat_rows(given.condition, given.samples) : given.condition;
  const Pass<T> upper = second.pass({z.z, condition}, noise, context);  // of every draw of z
  z.log_p = upper.log_likelihood;
  z.kl = {};
  pass.layers.push_back(upper.layers[0]);
  return pass;
}

template <class T> Layers<Var<T>> TwoStage<T>::draw(Tape<T>& tape, std::size_t t, std::size_t rows,
                                                    Var<T> condition, const Noise<T>& noise) const {
  if (t != 1 && t != 2) fail("draw", "there is no layer " + std::to_string(t) + "; they are 1 and 2");
  const auto u = second.draw(tape, 1, rows, condition, noise)[0];
  if (t == 2) return {u};
  return {draw_z(second, u, noise), u};
}

template <class T>
Var<T> TwoStage<T>::decode(const Layers<Var<T>>& z, Var<T> condition, const Noise<T>& noise) const {
  if (z.empty() || z.size() > 2)
    fail("decode", "needs u, or z and u, and has " + std::to_string(z.size()) + " of them");
  return first.decode({z.size() == 2 ? z[0] : draw_z(second, z[0], noise)}, condition, noise);
}

template struct TwoStage<float>;
template struct TwoStage<double>;

}  // namespace strata
