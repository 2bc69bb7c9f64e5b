#include "strata/vae/models/hvae.hpp"

#include "strata/autograd/shape.hpp"
#include "strata/vae/draw_layer.hpp"

namespace strata {
namespace {

VaeConfig checked(const VaeConfig& c) {
  if (c.latent.size() != 2)
    fail("Hvae", "needs two latent widths, and has " + std::to_string(c.latent.size()));
  if (c.condition > 0) fail("Hvae", "reads no condition");
  if (c.posterior != PosteriorKind::normal || c.top_posterior != PosteriorKind::normal)
    fail("Hvae", "its posteriors have independent components");
  return detail::completed(c);
}

// Where a network reads two inputs, all its layers but the last read one of them each.
std::vector<std::size_t> apart(const VaeConfig& c) {
  return {c.hidden.begin(), c.hidden.end() - (c.hidden.empty() ? 0 : 1)};
}
std::vector<std::size_t> together(const VaeConfig& c) {
  return {c.hidden.end() - (c.hidden.empty() ? 0 : 1), c.hidden.end()};
}

}  // namespace

template <class T> Hvae<T>::Hvae(const VaeConfig& config, Rng& rng) : Hvae(checked(config), rng, Checked()) {}

template <class T> Hvae<T>::Hvae(const VaeConfig& c, Rng& rng, Checked)
    : q2(c.data, c.hidden, c.latent[1], c.networks, rng, c.scale),
      x_q1(c.data, apart(c), c.networks, rng),
      z2_q1(c.latent[1], apart(c), c.networks, rng),
      q1(x_q1.width(c.data) + z2_q1.width(c.latent[1]), together(c), c.latent[0], c.networks, rng, c.scale),
      p1(c.latent[1], c.upper_hidden, c.latent[0], c.networks, rng, c.scale),
      z1_decoder(c.latent[0], apart(c), c.networks, rng),
      z2_decoder(c.latent[1], apart(c), c.networks, rng),
      decoder(detail::make_decoder<T>(c, z1_decoder.width(c.latent[0]) + z2_decoder.width(c.latent[1]),
                                      together(c), rng)),
      prior(detail::make_prior<T>(c, c.data, true, rng)) {}

template <class T>
Pass<T> Hvae<T>::pass(const Given<T>& given, const Noise<T>& noise, Context context) const {
  const std::size_t samples = given.samples, rows = given.x.shape()[0] * samples;
  Tape<T>& tape = given.x.tape();
  // Noise is asked for bottom up, z_2 drawn first.
  const Noise<T> lower([e = noise.normal(tape, {rows, q1.width()})](Tape<T>&, const Shape&) { return e; });
  const auto upper = repeat_rows(q2(given.x, context), samples);
  const auto of_x = repeat_rows(x_q1(given.x, context), samples);
  const auto lower_given = [&](Var<T> x, Var<T> z2, Context c) {
    return q1(concatenate({x, z2_q1(z2, c)}, 1), c);
  };
  Layer<T> z2 = draw_layer(upper, noise, given.paths);
  Rng masks = context.rng ? *context.rng : Rng{};  // of dropout, which a second call repeats
  Layer<T> z1 = draw_layer(lower_given(of_x, z2.below(), context), lower, given.paths, [&] {
    return lower_given(stop_gradient(of_x), z2.z, {context.mode, &masks, context.group});
  });
  z1.log_p = log_prob(p1(z2.z, context), z1.z);
  std::visit(
      [&](const auto& top) {
        const auto above = top(q2, tape, {}, context);
        z2.log_p = log_prob(above, z2.z);
        if constexpr (requires { kl(upper, above); }) z2.kl = kl(upper, above);
      },
      prior);
  const auto likelihood = std::visit(
      [&](const auto& head) {
        return log_prob(head(joined(z1.z, z2.z, context), context), repeat_rows(given.x, samples));
      },
      decoder);
  return {samples, likelihood, {z1, z2}};
}

template <class T> Var<T> Hvae<T>::joined(Var<T> z1, Var<T> z2, Context context) const {
  return concatenate({z1_decoder(z1, context), z2_decoder(z2, context)}, 1);
}

template <class T> Layers<Var<T>> Hvae<T>::draw(Tape<T>& tape, std::size_t t, std::size_t rows, Var<T>,
                                                const Noise<T>& noise) const {
  if (t != 1 && t != 2) fail("draw", "there is no layer " + std::to_string(t) + "; they are 1 and 2");
  const auto z2 = sample_prior(prior, q2, tape, {rows, q2.width()}, {}, noise);
  if (t == 2) return {z2};
  return {sample(p1(z2), noise), z2};
}

template <class T> Var<T> Hvae<T>::decode(const Layers<Var<T>>& z, Var<T>, const Noise<T>& noise) const {
  if (z.empty() || z.size() > 2)
    fail("decode", "needs z_2, or z_1 and z_2, and has " + std::to_string(z.size()) + " of them");
  const auto z1 = z.size() == 2 ? z.front() : sample(p1(z.back()), noise);
  return std::visit([&](const auto& head) { return mean(head(joined(z1, z.back(), {}))); }, decoder);
}

template struct Hvae<float>;
template struct Hvae<double>;

}  // namespace strata
