#include "strata/vae/structured.hpp"

#include <array>
#include <cmath>

#include "strata/autograd/operations.hpp"

namespace strata {
namespace {

struct Neighbour {
  std::ptrdiff_t row, column;
};
constexpr std::array<Neighbour, 4> later = {{{0, 1}, {1, -1}, {1, 0}, {1, 1}}};

// x (B, H, W) one step along an axis from the other side: its element there, and 0 beyond the border.
template <class T> Var<T> ahead(Var<T> x, std::ptrdiff_t axis, std::ptrdiff_t step) {
  const std::size_t size = x.shape()[static_cast<std::size_t>(axis)];
  if (step == 0) return x;
  Shape edge = x.shape();
  edge[static_cast<std::size_t>(axis)] = 1;
  const auto zeros = x.tape().constant(edge, [](Tensor<T>& e) { e.fill(T(0)); });
  return step > 0 ? concatenate({slice(x, axis, 1, size), zeros}, axis)
                  : concatenate({zeros, slice(x, axis, 0, size - 1)}, axis);
}

}  // namespace

// Lᵀ r: row j of it is L_jj r_j + Σ_n L_{n j} r_n over j's later neighbours n.
template <class T> Var<T> log_prob(const StructuredNormal<T>& p, Var<T> x) {
  const std::size_t pixels = element_count(p.image);
  Shape entries = p.mean.shape();
  entries.back() *= later.size();
  if (p.image.size() != 2 || x.shape() != p.mean.shape() || x.shape().back() != pixels ||
      p.log_diagonal.shape() != x.shape() || p.below.shape() != entries)
    fail("log_prob", "x is " + to_string(x.shape()) + ", the mean " + to_string(p.mean.shape()) +
                         ", the entries below the diagonal " + to_string(p.below.shape()) + " of an image " +
                         to_string(p.image));
  const Sizes image = {-1, static_cast<std::ptrdiff_t>(p.image[0]), static_cast<std::ptrdiff_t>(p.image[1])};
  const auto residual = x - p.mean, grid = reshape(residual, image);
  auto y = exp(p.log_diagonal) * residual;
  for (std::size_t n = 0; n < later.size(); ++n) {
    const auto neighbour = reshape(ahead(ahead(grid, 1, later[n].row), 2, later[n].column), x.shape());
    y = y + slice(p.below, 1, n * pixels, (n + 1) * pixels) * neighbour;
  }
  return log_prob(standard_normal, y) + sum(p.log_diagonal, {1});
}

// Lᵀ r = ε from the last pixel on.
template <class T> Var<T> sample(const StructuredNormal<T>& p, const Noise<std::type_identity_t<T>>& noise) {
  const auto height = static_cast<std::ptrdiff_t>(p.image[0]),
             width = static_cast<std::ptrdiff_t>(p.image[1]);
  const auto pixels = static_cast<std::size_t>(height * width);
  const Tensor<T>& epsilon = noise.normal(p.mean.tape(), p.mean.shape()).value();
  return p.mean.tape().constant(p.mean.shape(), [&](Tensor<T>& x) {
    for (std::size_t b = 0; b < x.shape(0); ++b)
      for (std::size_t j = pixels; j-- > 0;) {
        const auto row = static_cast<std::ptrdiff_t>(j) / width,
                   column = static_cast<std::ptrdiff_t>(j) % width;
        T rest = epsilon(b, j);
        for (std::size_t n = 0; n < later.size(); ++n) {
          const auto r = row + later[n].row, c = column + later[n].column;
          if (r < height && c >= 0 && c < width) {
            const auto to = static_cast<std::size_t>(r * width + c);
            rest -= p.below.value()(b, n * pixels + j) * (x(b, to) - p.mean.value()(b, to));
          }
        }
        x(b, j) = p.mean.value()(b, j) + rest * std::exp(-p.log_diagonal.value()(b, j));
      }
  });
}

template <class T>
StructuredHead<T>::StructuredHead(std::size_t in, const std::vector<std::size_t>& hidden, const Shape& size,
                                  const MlpOptions& options, Rng& rng, double log_variance)
    : body(in, hidden, options, rng),
      output(body.width(in), element_count(size), *body.options.init, rng),
      log_diagonal(body.width(in), element_count(size), Init::zero, rng),
      below(body.width(in), later.size() * element_count(size), Init::zero, rng),
      image(size) {
  log_diagonal.bias.write().fill(static_cast<T>(-0.5 * log_variance));
}

template <class T> StructuredNormal<T> StructuredHead<T>::operator()(Var<T> z, Context context) const {
  const auto h = body(z, context);
  return {output(h), log_diagonal(h), below(h), image};
}

#define STRATA_INSTANTIATE(T)                                          \
  template Var<T> log_prob(const StructuredNormal<T>&, Var<T>);        \
  template Var<T> sample(const StructuredNormal<T>&, const Noise<T>&); \
  template struct StructuredHead<T>;
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)

}  // namespace strata
