#include "strata/tensor/expression.hpp"

#include <catch2/catch.hpp>

#include "strata/tensor/random.hpp"
#include "strata/tensor/reduction.hpp"

using namespace strata;

namespace {

template <class T> Tensor<T> uniform(const Shape& shape, std::uint64_t seed) {
  Rng rng{seed};
  auto x = Tensor<T>::from_shape(shape);
  fill_uniform(rng, x);
  return x;
}

std::uint64_t next(Rng& rng, std::uint64_t below) {
  auto draw = Tensor<double>::from_shape({1});
  fill_uniform(rng, draw);
  return static_cast<std::uint64_t>(draw(0) * static_cast<double>(below));
}

// The place in memory of the element of a tensor of shape `from` that broadcasts to element n of `full`.
std::size_t place_in(const Shape& from, const Shape& full, std::size_t n) {
  std::size_t place = 0, step = 1;
  for (std::size_t k = 0; k < full.size(); ++k) {
    const std::size_t axis = full.size() - 1 - k, index = n % full[axis];
    n /= full[axis];
    if (k >= from.size()) continue;
    const std::size_t size = from[from.size() - 1 - k];
    place += (size == 1 ? 0 : index) * step;
    step *= size;
  }
  return place;
}

// A shape of rank 0 ... 4 with sizes around a SIMD width, now and then large enough for threads.
Shape random_shape(Rng& rng) {
  constexpr std::size_t sizes[] = {1, 2, 3, 7, 8, 15, 16, 17, 33};
  Shape shape;
  for (std::size_t rank = next(rng, 5); rank > 0; --rank) shape.push_back(sizes[next(rng, 9)]);
  return shape;
}

// The shape with some axes of size 1 and some leading ones gone.
Shape narrowed(const Shape& full, Rng& rng) {
  Shape shape(full.begin() + static_cast<std::ptrdiff_t>(next(rng, full.size() + 1)), full.end());
  for (std::size_t& size : shape)
    if (next(rng, 3) == 0) size = 1;
  return shape;
}

}  // namespace

TEMPLATE_TEST_CASE("Expressions of broadcast leaves agree with a loop over indices", "", float, double) {
  Rng rng{3};
  for (int trial = 0; trial < 150; ++trial) {
    const ThreadLimit limit(1 + next(rng, 3));
    const Shape full = random_shape(rng), a_shape = narrowed(full, rng), b_shape = narrowed(full, rng);
    INFO(to_string(full) << " of " << to_string(a_shape) << " and " << to_string(b_shape));
    const auto a = uniform<TestType>(a_shape, 1), b = uniform<TestType>(b_shape, 2);
    const auto y = uniform<TestType>(full, 3);
    auto written = y, added = y;
    write(written, a * TestType(2) - b);
    write<Update::add>(added, a * TestType(2) - b);
    for (std::size_t i = 0; i < y.size(); ++i) {
      const TestType value =
          a.data()[place_in(a_shape, full, i)] * TestType(2) - b.data()[place_in(b_shape, full, i)];
      REQUIRE(written.data()[i] == Approx(value).margin(1e-6));
      REQUIRE(added.data()[i] == Approx(y.data()[i] + value).margin(1e-6));
    }
  }
}

TEMPLATE_TEST_CASE("Sums and maxima over any axes agree with a loop over indices", "", float, double) {
  Rng rng{4};
  for (int trial = 0; trial < 150; ++trial) {
    const Shape full = random_shape(rng), a_shape = narrowed(full, rng), kept = narrowed(full, rng);
    INFO(to_string(full) << " of " << to_string(a_shape) << " summed to " << to_string(kept));
    const auto a = uniform<TestType>(a_shape, 1), b = uniform<TestType>(full, 2);
    const auto before = uniform<TestType>(kept, 3);
    Tensor<double> sums(kept, 0.0), largest(kept, -1.0);
    for (std::size_t i = 0; i < b.size(); ++i) {
      const std::size_t k = place_in(kept, full, i);
      const double value = a.data()[place_in(a_shape, full, i)] * b.data()[i];
      sums.data()[k] += value;
      largest.data()[k] = std::max(largest.data()[k], value);
    }
    Tensor<TestType> first;
    for (const std::size_t threads : {1, 2, 5}) {
      const ThreadLimit limit(threads);
      auto found = before, added = before, maxima = before;
      detail::reduce<detail::Sum>(found, kept, a * b, full, Update::assign);
      detail::reduce<detail::Sum>(added, kept, a * b, full, Update::add);
      detail::reduce<detail::Max>(maxima, kept, a * b, full, Update::assign);
      if (threads == 1) first = found;
      CHECK((found == first));
      for (std::size_t k = 0; k < sums.size(); ++k) {
        REQUIRE(found.data()[k] == Approx(sums.data()[k]).epsilon(1e-6));
        REQUIRE(added.data()[k] == Approx(sums.data()[k] + before.data()[k]).epsilon(1e-6));
        REQUIRE(maxima.data()[k] == Approx(largest.data()[k]));
      }
    }
  }
}

TEST_CASE("Large expressions and sums do not depend on the thread count") {
  const auto x = uniform<float>({4001, 37}, 1), row = uniform<float>({37}, 2), s = uniform<float>({4001}, 3);
  Tensor<float> value[2] = {x, x}, rows[2] = {s, s}, columns[2] = {row, row}, all[2] = {{0}, {0}};
  for (const std::size_t k : {0, 1}) {
    const ThreadLimit limit(k == 0 ? 1 : 3);
    write(value[k], xt::exp(column(s) * x) - row);
    detail::reduce<detail::Sum>(rows[k], {4001, 1}, xt::exp(x) * row, {4001, 37}, Update::assign);
    detail::reduce<detail::Sum>(columns[k], {37}, xt::exp(x) * row, {4001, 37}, Update::assign);
    detail::reduce<detail::Sum>(all[k], {1}, xt::exp(x) * row, {4001, 37}, Update::assign);
  }
  CHECK((value[0] == value[1]));
  CHECK((rows[0] == rows[1]));
  CHECK((columns[0] == columns[1]));
  CHECK((all[0] == all[1]));
}

TEST_CASE("A sum of 10⁸ equal floats has a relative error below 1e-6, however it is cut") {
  const float value = 0.1f;
  const Tensor<float> one(Shape{1}, value);  // read 10⁸ times
  const auto check = [&](const Shape& full, const Shape& kept, double count) {
    Tensor<float> sums(kept, 0.0f);
    detail::reduce<detail::Sum>(sums, kept, 1.0f * one, full, Update::assign);
    INFO(to_string(full) << " to " << to_string(kept));
    for (const float sum : sums) CHECK(std::abs(sum / (count * value) - 1) < 1e-6);
  };
  check({100'000'000}, {}, 1e8);
  check({10, 10'000'000}, {10, 1}, 1e7);
  check({10'000'000, 10}, {10}, 1e7);
  check({1'000'000, 100}, {100}, 1e6);
}

TEMPLATE_TEST_CASE("An element's value does not depend on its place", "", float, double) {
  constexpr std::size_t batch = xsimd::batch<TestType>::size;
  const auto f = [](const auto& x) { return xt::tanh(x) + xt::exp(x) / xt::sqrt(TestType(1) + x * x); };
  for (std::size_t size = 1; size <= 2 * batch + 1; ++size) {
    const Tensor<TestType> x(Shape{size}, TestType(0.7));
    auto y = x;
    write(y, f(x));
    for (std::size_t i = 1; i < size; ++i) CHECK(y(i) == y(0));
    const Tensor<TestType> same(Shape{2 * batch}, TestType(0.7));
    auto full = same;
    write(full, f(same));
    CHECK(y(0) == full(0));
  }
}

TEST_CASE("map calls one lambda with SIMD batches, and xtensor's functions without SIMD form lane by lane") {
  const Tensor<float> x = {{-1, 2, 3, -4, 5, -6, 7, 8, -9, 10, 11, -12, 13, 14, 15, -16, 17, -18, 19}};
  Tensor<float> y = Tensor<float>::from_shape(x.shape());
  write(y, map([](auto v, auto w) { return select(v < decltype(v)(0), w, v); }, x, 2.0f * x));
  for (std::size_t i = 0; i < x.size(); ++i) CHECK(y(0, i) == (x(0, i) < 0 ? 2 * x(0, i) : x(0, i)));
  write(y, xt::cast<float>(x) + 1.0);
  CHECK((y == x + 1.0f));
  write(y, xt::view(x, xt::all(), xt::all()) + 1.0f);  // left to xtensor
  CHECK((y == x + 1.0f));
}

TEST_CASE("Permuted axes are written and summed") {
  const auto x = uniform<double>({3, 4, 19}, 1);
  auto y = Tensor<double>::from_shape({19, 3, 4});
  write(y, permuted(x, std::array{2, 0, 1}));
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 4; ++j)
      for (std::size_t k = 0; k < 19; ++k) CHECK(y(k, i, j) == x(i, j, k));
}

TEST_CASE("A maximum is NaN if an element is, and -inf of nothing") {
  Tensor<float> x(Shape{40}, 1.0f), largest(Shape{}, 0.0f);
  for (const std::size_t place : {0, 17, 39}) {
    auto with_nan = x;
    with_nan(place) = std::nanf("");
    detail::reduce<detail::Max>(largest, Shape{}, with_nan, {40}, Update::assign);
    CHECK(std::isnan(largest()));
  }
  detail::reduce<detail::Max>(largest, Shape{}, Tensor<float>(Shape{0}), {0}, Update::assign);
  CHECK(largest() == -std::numeric_limits<float>::infinity());
}
