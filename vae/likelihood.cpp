#include "vae/likelihood.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "vae/markov_hvae.hpp"
#include "vae/streams.hpp"
#include "vae/vae.hpp"

namespace strata {
namespace {

// Noise is drawn in blocks of so many draws, each from a place of its own in the image's stream, so that the
// same draws are made however they are gathered into chunks.
constexpr std::size_t block = 64;

// ln Σ e^v, over any number of additions
class LogSum {
 public:
  void add(double v) {
    if (v == -std::numeric_limits<double>::infinity()) return;
    if (v > largest_) {
      sum_ = sum_ * std::exp(largest_ - v) + 1;
      largest_ = v;
    } else {
      sum_ += std::exp(v - largest_);
    }
  }
  double value() const { return largest_ + std::log(sum_); }

 private:
  double largest_ = -std::numeric_limits<double>::infinity();
  double sum_ = 0;
};

// The noise of draws first ... first + count − 1 of one image; `first` is a multiple of the block.
template <class T> Layers<Var<T>> noise_of(Tape<T>& tape, const Layers<std::size_t>& widths,
                                           std::uint64_t seed, std::size_t image, std::size_t first,
                                           std::size_t count) {
  Layers<Var<T>> epsilon;
  for (std::size_t t = 0; t < widths.size(); ++t)
    epsilon.push_back(tape.constant(Shape{count, widths[t]}, [&](Tensor<T>& noise) {
      auto drawn = Tensor<T>::from_shape({block, widths[t]});
      for (std::size_t done = 0; done < count; done += block) {
        Rng rng{seed, std::uint64_t{(first + done) / block} << 32 | std::uint64_t{t} << 24,
                streams::test_image + image};
        fill_normal(rng, drawn);
        std::copy_n(drawn.data(), std::min(block, count - done) * widths[t], noise.data() + done * widths[t]);
      }
    }));
  return epsilon;
}

template <class T> Tensor<T> rows_of(const Tensor<T>& x, std::size_t first, std::size_t last) {
  return xt::view(x, xt::range(first, last), xt::all());
}

}  // namespace

template <class T, class Model>
std::vector<ImageEstimate> estimate_likelihood(Model& model, const Tensor<T>& x, const Tensor<T>& condition,
                                               const EstimationOptions& options,
                                               const std::function<void(std::size_t)>& on_image) {
  if (options.samples == 0 || options.chunk == 0)
    fail("estimate_likelihood", "needs at least one sample and one draw a chunk");
  const std::size_t chunk = (options.chunk + block - 1) / block * block;
  Tape<T> tape(Record::values);
  std::vector<ImageEstimate> estimates;
  for (std::size_t image = 0; image < x.shape(0); ++image) {
    LogSum weights;
    Metrics sum;
    for (std::size_t first = 0; first < options.samples; first += chunk) {
      const std::size_t count = std::min(chunk, options.samples - first);
      tape.reset();
      Given<T> given{tape.constant(rows_of(x, image, image + 1)), {}, count};
      if (condition.dimension() == 2) given.condition = tape.constant(rows_of(condition, image, image + 1));
      const auto epsilon = noise_of(tape, model.latent(), options.seed, image, first, count);
      Rng unused;  // inference draws nothing else
      const auto parts = terms(model.path(given, epsilon, unused, Mode::inference));
      for (const T log_weight : parts.log_weight().value()) weights.add(static_cast<double>(log_weight));
      sum += mean_metrics(parts) * static_cast<double>(count);
    }
    const auto samples = static_cast<double>(options.samples);
    estimates.push_back({weights.value() - std::log(samples), sum / samples});
    if (on_image) on_image(image + 1);
  }
  return estimates;
}

MeanAndError mean_and_error(const std::vector<double>& values) {
  if (values.empty()) fail("mean_and_error", "there are no values");
  const auto count = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {mean, values.size() < 2 ? 0 : std::sqrt(squares / (count - 1) / count)};
}

template <class T, class Model> std::vector<Tensor<double>> posterior_means(Model& model, const Tensor<T>& x,
                                                                            const Tensor<T>& condition,
                                                                            std::size_t samples, Rng& rng) {
  constexpr std::size_t images_together = 100;
  const auto widths = model.latent();
  const std::size_t count = x.shape(0);
  std::vector<Tensor<double>> means;
  for (const std::size_t width : widths) means.emplace_back(xt::zeros<double>({count, width}));
  Tape<T> tape(Record::values);
  for (std::size_t first = 0; first < count; first += images_together) {
    const std::size_t last = std::min(count, first + images_together);
    tape.reset();
    Given<T> given{tape.constant(rows_of(x, first, last)), {}, samples};
    if (condition.dimension() == 2) given.condition = tape.constant(rows_of(condition, first, last));
    const auto path = model.path(given, rng, Mode::inference);
    for (std::size_t t = 0; t < widths.size(); ++t)
      for (std::size_t row = 0; row < (last - first) * samples; ++row)
        for (std::size_t unit = 0; unit < widths[t]; ++unit)
          means[t](first + row / samples, unit) +=
              static_cast<double>(path.q[t].mean.value()(row, unit)) / static_cast<double>(samples);
  }
  return means;
}

template <class T, class Model> std::vector<std::size_t> active_units(Model& model, const Tensor<T>& x,
                                                                      const Tensor<T>& condition,
                                                                      std::size_t samples, Rng& rng) {
  const auto means = posterior_means(model, x, condition, samples, rng);
  const auto others = posterior_means(model, x, condition, samples, rng);
  std::vector<std::size_t> active;
  for (std::size_t t = 0; t < means.size(); ++t) active.push_back(active_units(means[t], others[t]));
  return active;
}

#define STRATA_INSTANTIATE(T, Model)                                                                         \
  template std::vector<ImageEstimate> estimate_likelihood(Model<T>&, const Tensor<T>&, const Tensor<T>&,     \
                                                          const EstimationOptions&,                          \
                                                          const std::function<void(std::size_t)>&);          \
  template std::vector<Tensor<double>> posterior_means(Model<T>&, const Tensor<T>&, const Tensor<T>&,        \
                                                       std::size_t, Rng&);                                   \
  template std::vector<std::size_t> active_units(Model<T>&, const Tensor<T>&, const Tensor<T>&, std::size_t, \
                                                 Rng&);
STRATA_INSTANTIATE(float, Vae)
STRATA_INSTANTIATE(double, Vae)
STRATA_INSTANTIATE(float, MarkovHvae)
STRATA_INSTANTIATE(double, MarkovHvae)

}  // namespace strata
