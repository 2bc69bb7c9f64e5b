#include "vae/batches.hpp"

#include "nn/names.hpp"
#include "tensor/expression.hpp"

namespace strata {
namespace {

constexpr Names<Binarize, 3> names = {
    {{Binarize::none, "none"}, {Binarize::threshold, "threshold"}, {Binarize::dynamic, "dynamic"}}};

}  // namespace

Binarize parse_binarize(const std::string& name) { return parse_name("binarize", names, name); }
std::string to_string(Binarize binarize) { return name_of(names, binarize); }

void require_images(const char* operation, const ImageSet& set) {
  if (set.images.dimension() < 2 || set.images.size() == 0 || set.labels.size() != set.images.shape(0))
    fail(operation, "needs images (N, height, width) and labels (N): the images are " +
                        to_string(set.images.shape()) + ", the labels " + to_string(set.labels.shape()));
}

template <class T> void gather_batch(const Tensor<std::uint8_t>& images, std::span<const std::size_t> rows,
                                     Binarize binarize, Rng& rng, Tensor<T>& x) {
  const std::size_t pixels = images.size() / images.shape(0);
  x.resize({rows.size(), pixels});
  parallel_for(
      rows.size(), detail::parallel_elements / pixels,
      [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
          const std::uint8_t* image = images.data() + rows[i] * pixels;
          T* out = x.data() + i * pixels;
          for (std::size_t j = 0; j < pixels; ++j)
            out[j] = binarize == Binarize::threshold ? static_cast<T>(image[j] > 127)
                                                     : static_cast<T>(image[j]) / T(255);
        }
      },
      1);
  if (binarize == Binarize::dynamic) fill_bernoulli(rng, x, x);
}

template <class T> void gather_one_hot(const Tensor<std::uint8_t>& labels, std::span<const std::size_t> rows,
                                       std::size_t classes, Tensor<T>& c) {
  c.resize({rows.size(), classes});
  c.fill(T(0));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::size_t label = labels(rows[i]);
    if (label >= classes)
      fail("gather_one_hot",
           "label " + std::to_string(label) + " is none of " + std::to_string(classes) + " classes");
    c(i, label) = T(1);
  }
}

Tensor<float> mean_image(const Tensor<std::uint8_t>& images) {
  const std::size_t count = images.shape(0), pixels = images.size() / count;
  Tensor<double> sum = xt::zeros<double>({pixels});
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = 0; j < pixels; ++j) sum(j) += images.data()[i * pixels + j];
  return xt::cast<float>(sum / (255.0 * static_cast<double>(count)));
}

#define STRATA_INSTANTIATE(T)                                                                           \
  template void gather_batch(const Tensor<std::uint8_t>&, std::span<const std::size_t>, Binarize, Rng&, \
                             Tensor<T>&);                                                               \
  template void gather_one_hot(const Tensor<std::uint8_t>&, std::span<const std::size_t>, std::size_t,  \
                               Tensor<T>&);
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)

}  // namespace strata
