#include "vae/batches.hpp"

#include "nn/names.hpp"

namespace strata {
namespace {

constexpr Names<Binarize, 3> names = {
    {{Binarize::none, "none"}, {Binarize::threshold, "threshold"}, {Binarize::dynamic, "dynamic"}}};

}  // namespace

Binarize parse_binarize(const std::string& name) { return parse_name("binarize", names, name); }
std::string to_string(Binarize binarize) { return name_of(names, binarize); }

template <class T> void gather_batch(const Tensor<std::uint8_t>& images, std::span<const std::size_t> rows,
                                     Binarize binarize, Rng& rng, Tensor<T>& x) {
  const std::size_t pixels = images.size() / images.shape(0);
  x.resize({rows.size(), pixels});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::uint8_t* image = images.data() + rows[i] * pixels;
    T* out = x.data() + i * pixels;
    for (std::size_t j = 0; j < pixels; ++j)
      out[j] = binarize == Binarize::threshold ? static_cast<T>(image[j] > 127)
                                               : static_cast<T>(image[j]) / T(255);
  }
  if (binarize == Binarize::dynamic) fill_bernoulli(rng, x, x);
}

template void gather_batch(const Tensor<std::uint8_t>&, std::span<const std::size_t>, Binarize, Rng&,
                           Tensor<float>&);
template void gather_batch(const Tensor<std::uint8_t>&, std::span<const std::size_t>, Binarize, Rng&,
                           Tensor<double>&);

}  // namespace strata
