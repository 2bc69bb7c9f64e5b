#include "vae/svi.hpp"

#include "autograd/arithmetic.hpp"
#include "autograd/reduce.hpp"
#include "autograd/shape.hpp"
#include "vae/path.hpp"

namespace strata {
namespace {

template <class T> Tensor<T> rows_of(const Tensor<T>& x, std::span<const std::size_t> rows) {
  auto gathered = Tensor<T>::from_shape({rows.size(), x.shape(1)});
  for (std::size_t i = 0; i < rows.size(); ++i)
    xt::view(gathered, i, xt::all()) = xt::view(x, rows[i], xt::all());
  return gathered;
}

template <class T> void set_rows(Tensor<T>& x, std::span<const std::size_t> rows, const Tensor<T>& values) {
  for (std::size_t i = 0; i < rows.size(); ++i)
    xt::view(x, rows[i], xt::all()) = xt::view(values, i, xt::all());
}

}  // namespace

template <class T> Var<T> local_elbo(ObservationNetwork<T>& decoder, const Normal<T>& q, Var<T> x,
                                     std::size_t samples, Rng& rng, Mode mode) {
  const auto z = sample(repeat_rows(q, samples), rng);
  const auto draws = log_prob(decoder(z, rng, mode), repeat_rows(x, samples));
  return mean(reshape(draws, {-1, static_cast<std::ptrdiff_t>(samples)}), {1}) - kl(q, standard_normal);
}

template <class T> void refine(ObservationNetwork<T>& decoder, LocalPosteriors<T>& local, const Tensor<T>& x,
                               const SviOptions& options, Rng& rng) {
  const Shape& means = local.mean.value.shape();
  if (x.dimension() != 2 || x.shape(0) != means[0])
    fail("refine", "x is " + to_string(x.shape()) + ", the posteriors' means are " + to_string(means));
  Optimizer<T> optimizer(parameters<T>(local), Adam{}, options.learning_rate);
  Tape<T> tape;
  for (std::size_t step = 0; step < options.steps; ++step) {
    tape.reset();
    // The sum, not the mean: every point's step is its own.
    tape.backward(
        -sum(local_elbo(decoder, local.on(tape), tape.constant(x), options.samples, rng, Mode::inference)));
    optimizer.step();
  }
  discard_gradients(decoder);
}

template <class T>
Var<T> Svi<T>::scaled_elbo(const Normal<T>& q, Var<T> x, std::size_t samples, Rng& rng, Mode mode) {
  const T scale = static_cast<T>(local.mean.value.shape(0)) / static_cast<T>(x.shape()[0]);
  return scale * sum(local_elbo(decoder, q, x, samples, rng, mode));
}

template <class T> double Svi<T>::step(std::span<const std::size_t> rows, const Tensor<T>& x,
                                       Optimizer<T>& optimizer, const SviOptions& options, Rng& rng) {
  if (x.dimension() != 2 || x.shape(0) != rows.size())
    fail("Svi", "x is " + to_string(x.shape()) + " for " + std::to_string(rows.size()) + " rows");
  const std::size_t count = local.mean.value.shape(0);
  for (const std::size_t row : rows)
    if (row >= count)
      fail("Svi", "there is no row " + std::to_string(row) + "; they are 0 ... " + std::to_string(count - 1));
  LocalPosteriors<T> batch(rows.size(), local.mean.value.shape(1));
  batch.mean.value = rows_of(local.mean.value, rows);
  batch.log_variance.value = rows_of(local.log_variance.value, rows);
  refine(decoder, batch, x, options, rng);
  set_rows(local.mean.value, rows, batch.mean.value);
  set_rows(local.log_variance.value, rows, batch.log_variance.value);
  Tape<T> tape;
  const Normal<T> q{tape.constant(batch.mean.value), tape.constant(batch.log_variance.value), {}};
  const auto bound = scaled_elbo(q, tape.constant(x), options.samples, rng, Mode::train);
  tape.backward(-bound);
  optimizer.step();
  return static_cast<double>(bound.value()()) / static_cast<double>(count);
}

#define STRATA_INSTANTIATE(T)                                                                            \
  template Var<T> local_elbo(ObservationNetwork<T>&, const Normal<T>&, Var<T>, std::size_t, Rng&, Mode); \
  template void refine(ObservationNetwork<T>&, LocalPosteriors<T>&, const Tensor<T>&, const SviOptions&, \
                       Rng&);                                                                            \
  template struct Svi<T>;
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)

}  // namespace strata
