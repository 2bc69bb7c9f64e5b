#include "strata/vae/estimation.hpp"

#include <numeric>

namespace strata {

MeanAndError mean_and_error(const std::vector<double>& values) {
  if (values.empty()) fail("mean_and_error", "there are no values");
  const auto count = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {mean, values.size() < 2 ? 0 : std::sqrt(squares / (count - 1) / count)};
}

namespace detail {

template <class T> void fill_addressed(std::uint64_t seed, std::size_t image, std::size_t first,
                                       std::size_t t, Tensor<T>& noise) {
  const std::size_t count = noise.shape(0), width = noise.size() / count;
  auto drawn = Tensor<T>::from_shape({draws_per_block, width});
  for (std::size_t done = 0; done < count; done += draws_per_block) {
    Rng rng{seed, std::uint64_t{(first + done) / draws_per_block} << 32 | std::uint64_t{t} << 24,
            streams::test_image + image};
    fill_normal(rng, drawn);
    std::copy_n(drawn.data(), std::min(draws_per_block, count - done) * width, noise.data() + done * width);
  }
}

void LogSum::add(double v) {
  if (v == -std::numeric_limits<double>::infinity()) return;
  if (v > largest_) {
    sum_ = sum_ * std::exp(largest_ - v) + 1;
    largest_ = v;
  } else {
    sum_ += std::exp(v - largest_);
  }
}

template void fill_addressed(std::uint64_t, std::size_t, std::size_t, std::size_t, Tensor<float>&);
template void fill_addressed(std::uint64_t, std::size_t, std::size_t, std::size_t, Tensor<double>&);

}  // namespace detail
}  // namespace strata
