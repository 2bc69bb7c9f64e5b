// Includes and uses xtensor before strata: the types are the same in any order of headers.
#include <iostream>
#if __has_include(<xtensor/containers/xtensor.hpp>)  // xtensor 0.26 and later
#include <xtensor/containers/xarray.hpp>
#include <xtensor/containers/xtensor.hpp>
#else
#include <xtensor/xarray.hpp>
#include <xtensor/xtensor.hpp>
#endif

auto column_sums(const xt::xarray<double>& a) { return xt::eval(xt::sum(a, {0})); }

#include <strata/autograd/arithmetic.hpp>
#include <strata/autograd/reduce.hpp>

using namespace strata;

int main() {
  const xt::xarray<double> a = {{1, 2}, {3, 4}};
  const xt::xtensor<double, 2> b = a;
  const Tensor<double> columns = xt::xarray<double, xt::layout_type::column_major>(a);
  Tape<double> tape;
  const auto x = tape.variable(a), y = tape.variable(b), z = tape.variable(columns + 1.0);
  std::cout << "x y + z = " << sum(x * y + z).value()() << ", sums " << to_string(column_sums(a).shape())
            << "\n";
}
