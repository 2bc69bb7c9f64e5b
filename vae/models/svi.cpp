#include "strata/vae/models/svi.hpp"

namespace strata {
namespace {

template <class T> void require_rows(std::span<const std::size_t> rows, const Tensor<T>& all) {
  for (const std::size_t row : rows)
    if (row >= all.shape(0))
      fail("Svi",
           "there is no row " + std::to_string(row) + "; they are 0 ... " + std::to_string(all.shape(0) - 1));
}

}  // namespace

template <class T> LocalPosteriors<T> LocalPosteriors<T>::rows(std::span<const std::size_t> rows) const {
  require_rows(rows, mean.value());
  LocalPosteriors some(rows.size(), mean.value().shape(1));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    xt::view(some.mean.write(), i, xt::all()) = xt::view(mean.value(), rows[i], xt::all());
    xt::view(some.log_variance.write(), i, xt::all()) = xt::view(log_variance.value(), rows[i], xt::all());
  }
  return some;
}

template <class T>
void LocalPosteriors<T>::set_rows(std::span<const std::size_t> rows, const LocalPosteriors& values) {
  require_rows(rows, mean.value());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    xt::view(mean.write(), rows[i], xt::all()) = xt::view(values.mean.value(), i, xt::all());
    xt::view(log_variance.write(), rows[i], xt::all()) = xt::view(values.log_variance.value(), i, xt::all());
  }
}

template struct LocalPosteriors<float>;
template struct LocalPosteriors<double>;

}  // namespace strata
