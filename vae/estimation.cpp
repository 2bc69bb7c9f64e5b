#include "strata/vae/estimation.hpp"

namespace strata::detail {

template <class T> void fill_addressed(std::uint64_t seed, std::uint64_t stream, std::size_t first,
                                       std::size_t t, Tensor<T>& noise) {
  const std::size_t count = noise.shape(0), width = noise.size() / count;
  auto drawn = Tensor<T>::from_shape({draws_per_block, width});
  for (std::size_t done = 0; done < count; done += draws_per_block) {
    Rng rng{seed, std::uint64_t{(first + done) / draws_per_block} << 32 | std::uint64_t{t} << 24, stream};
    fill_normal(rng, drawn);
    std::copy_n(drawn.data(), std::min(draws_per_block, count - done) * width, noise.data() + done * width);
  }
}

template void fill_addressed(std::uint64_t, std::uint64_t, std::size_t, std::size_t, Tensor<float>&);
template void fill_addressed(std::uint64_t, std::uint64_t, std::size_t, std::size_t, Tensor<double>&);

}  // namespace strata::detail
