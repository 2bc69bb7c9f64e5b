#include "strata/tensor/random.hpp"

#include <Random123/philox.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "strata/tensor/parallel.hpp"

using namespace strata;

namespace {

template <class T> Tensor<T> uniforms(Rng& rng, std::size_t n) {
  Tensor<T> x = Tensor<T>::from_shape({n});
  fill_uniform(rng, x);
  return x;
}

template <class T> Tensor<T> normals(Rng& rng, std::size_t n) {
  Tensor<T> x = Tensor<T>::from_shape({n});
  fill_normal(rng, x);
  return x;
}

// How many of about n normal draws lie beyond each limit, on either side; limits ascend.
template <class T> std::vector<double> exceedances(Rng& rng, double n, const std::vector<T>& limits) {
  std::vector<double> counts(limits.size());
  Tensor<T> z = Tensor<T>::from_shape({1'000'000});
  for (double drawn = 0; drawn < n; drawn += static_cast<double>(z.size())) {
    fill_normal(rng, z);
    for (const T value : z)
      for (std::size_t i = 0; i < limits.size() && std::abs(value) > limits[i]; ++i) ++counts[i];
  }
  return counts;
}

double tail(double limit) { return std::erfc(limit / std::sqrt(2.0)); }

// The bits that the k-th number of a fresh sequence of seed 0 is made of
template <class T> std::uint64_t bits(std::size_t k) {
  constexpr std::size_t per_block = 16 / sizeof(T);
  const auto words = r123::Philox4x32()({{static_cast<std::uint32_t>(k / per_block), 0, 0, 0}}, {{0, 0}});
  if (per_block == 4) return words[k % 4];
  return static_cast<std::uint64_t>(words[k % 2 * 2]) << 32 | words[k % 2 * 2 + 1];
}

}  // namespace

TEST_CASE("Uniform draws are Philox 4x32-10 words of (seed, counter)") {
  Rng rng{0x0123456789abcdef, 41, 0x500000006};
  const Tensor<float> x = uniforms<float>(rng, 1000);
  const auto words = r123::Philox4x32()({{41 + 200, 0, 6, 5}}, {{0x89abcdef, 0x01234567}});
  for (std::size_t i = 0; i < 4; ++i) CHECK(x(800 + i) == static_cast<float>(words[i] >> 8) * 0x1p-24f);
  CHECK(rng.counter == 41 + 250);
}

TEST_CASE("Draws do not depend on the thread count, and a stream continues from its counter") {
  const std::size_t threads = thread_count();
  set_thread_count(1);
  Rng one{7};
  const Tensor<float> u1 = uniforms<float>(one, 100'003);
  const Tensor<double> n1 = normals<double>(one, 100'003);
  set_thread_count(2);
  Rng two{7};
  CHECK((uniforms<float>(two, 100'003) == u1));
  const Rng saved = two;
  CHECK((normals<double>(two, 100'003) == n1));
  Rng resumed = saved;
  CHECK((normals<double>(resumed, 100'003) == n1));
  set_thread_count(threads);
}

TEMPLATE_TEST_CASE("A draw depends on its place, not on how many are drawn", "", float, double) {
  Rng many{7}, few{7};
  const Tensor<TestType> z = normals<TestType>(many, 100'003);
  for (const std::size_t n : {1, 100, 512, 513, 1000})
    CHECK((normals<TestType>(few = Rng{7}, n) == xt::view(z, xt::range(std::size_t{0}, n))));
}

TEMPLATE_TEST_CASE("Rows that are drawn apart are those of the whole, and pass it", "", float, double) {
  for (const std::size_t width : {1, 5, 700}) {
    const Shape whole = {9, width};
    Rng all{7};
    auto z = Tensor<TestType>::from_shape(whole), u = z, x = z;
    fill_normal(all, z);
    fill_uniform(all, u);
    fill_bernoulli(all, u, x);
    for (const Rows rows : {Rows{0, 4, 9}, Rows{4, 3, 9}, Rows{7, 2, 9}, Rows{0, 9, 9}}) {
      Rng some{7, 0, 0, rows};
      const auto of = [&](const Tensor<TestType>& y) -> Tensor<TestType> {
        return xt::view(y, xt::range(rows.first, rows.first + rows.count));
      };
      auto part = Tensor<TestType>::from_shape({rows.count, width}), bits = part;
      fill_normal(some, part);
      CHECK((part == of(z)));
      fill_uniform(some, part);
      CHECK((part == of(u)));
      fill_bernoulli(some, part, bits);
      CHECK((bits == of(x)));
      CHECK(some.counter == all.counter);
    }
  }
  Rng rng{7, 0, 0, {0, 4, 9}};
  auto odd = Tensor<TestType>::from_shape({6});
  CHECK_THROWS_WITH(fill_normal(rng, odd), Catch::Contains("6 numbers do not make 4 rows"));
}

TEST_CASE("Successive draws do not overlap, nor do draws of different seeds or streams") {
  for (std::size_t n : {1, 3, 100, 512, 513}) {
    Rng rng{3};
    std::set<double> seen;
    for (int draw = 0; draw < 4; ++draw)
      for (const double x : normals<double>(rng, n)) seen.insert(x);
    Rng other_seed{4}, other_stream{3, 0, 1};
    for (const double x : normals<double>(other_seed, n)) seen.insert(x);
    for (const double x : normals<double>(other_stream, n)) seen.insert(x);
    CHECK(seen.size() == 6 * n);
  }
}

TEMPLATE_TEST_CASE("Moments are those of the distribution", "", float, double) {
  constexpr std::size_t n = 1 << 20;
  Rng rng{11};
  const Tensor<double> u = xt::cast<double>(uniforms<TestType>(rng, n));
  CHECK(xt::amin(u)() >= 0);
  CHECK(xt::amax(u)() < 1);
  CHECK(xt::mean(u)() == Approx(0.5).margin(2e-3));
  CHECK(xt::mean(u * u)() == Approx(1.0 / 3).margin(2e-3));

  const Tensor<double> z = xt::cast<double>(normals<TestType>(rng, n));
  CHECK(xt::mean(z)() == Approx(0).margin(5e-3));
  CHECK(xt::mean(z * z)() == Approx(1).margin(7e-3));
  CHECK(xt::mean(z * z * z)() == Approx(0).margin(2e-2));
  CHECK(xt::mean(z * z * z * z)() == Approx(3).margin(5e-2));
  // Box and Muller's pairs must be independent: neighbours and the two halves of a piece
  for (const std::size_t lag : {std::size_t{1}, 1024 / sizeof(TestType)}) {
    const Tensor<double> shifted = xt::roll(z, static_cast<std::ptrdiff_t>(lag));
    CHECK(xt::mean(z * shifted)() == Approx(0).margin(5e-3));
    CHECK(xt::mean(z * z * shifted * shifted)() == Approx(1).margin(1e-2));
  }
  CHECK(xt::mean(xt::cast<double>(xt::abs(z) < 1.959964))() == Approx(0.95).margin(1e-3));
}

TEMPLATE_TEST_CASE("Normal draws lie in the tails as often as they should, and never at 0", "", float,
                   double) {
  Rng rng{13};
  const std::vector<TestType> limits{0, 3, 4, 5};
  const double n = 4e7;
  const std::vector<double> counts = exceedances(rng, n, limits);
  CHECK(counts[0] == n);
  for (std::size_t i = 1; i < limits.size(); ++i)
    CHECK(std::abs(counts[i] - n * tail(limits[i])) < 4 * std::sqrt(n * tail(limits[i])));
}

TEST_CASE("Large float radii are not those of 24 bits") {
  Rng rng{17};
  int between = 0, near = 0;
  for (int draw = 0; draw < 20; ++draw) {
    const Tensor<double> z = xt::cast<double>(normals<float>(rng, 512 * 2000));
    for (std::size_t i = 0; i < z.size(); i += i % 512 == 255 ? 257 : 1) {
      const double u = std::exp(-(z(i) * z(i) + z(i + 256) * z(i + 256)) / 2) * 0x1p24;
      if (u < 256) ++(std::abs(u - std::round(u)) < 0.25 ? near : between);
    }
  }
  CHECK(near > 50);
  CHECK(between > 50);
}

// 10^10 draws, 20 s: ./tensor_tests '[long]'
TEST_CASE("Normal tails up to 6 standard deviations", "[.][long]") {
  Rng rng{19};
  const std::vector<float> limits{4.5f, 5, 5.5f, 5.76f, 6};
  const double n = 1e10;
  const std::vector<double> counts = exceedances(rng, n, limits);
  for (std::size_t i = 0; i < limits.size(); ++i) {
    const double expected = n * tail(limits[i]), error = std::sqrt(expected);
    WARN("beyond " << limits[i] << ": " << counts[i] << " of " << expected << " expected, ratio "
                   << counts[i] / expected << " +- " << 1 / error);
    CHECK(std::abs(counts[i] - expected) < 3 * error);
  }
}

TEMPLATE_TEST_CASE("Bernoulli draws compare all of a number's bits with p", "", float, double) {
  constexpr int width = 8 * sizeof(TestType);
  constexpr std::size_t n = 4000;
  Tensor<TestType> above = Tensor<TestType>::from_shape({n}), below = above, power = above, x;
  for (std::size_t i = 0; i < n; ++i) {
    const auto u =
        static_cast<TestType>(std::ldexp(static_cast<long double>(bits<TestType>(i)) + 0.5l, -width));
    above(i) = std::nextafter(u, TestType(2));
    below(i) = std::nextafter(u, TestType(-1));
    power(i) = std::ldexp(TestType(1), -static_cast<int>(i % 12));
  }
  Rng rng;
  fill_bernoulli(rng, above, x);
  CHECK(xt::amin(x)() == 1);
  fill_bernoulli(rng = {}, below, x);
  CHECK(xt::amax(x)() == 0);
  fill_bernoulli(rng = {}, power, x);  // 2^−k: where the k leading bits are 0
  for (std::size_t i = 0; i < n; ++i)
    CHECK(x(i) ==
          (static_cast<long double>(bits<TestType>(i)) < std::ldexp(1.0l, width - static_cast<int>(i % 12))));
}

TEST_CASE("Rare events are as rare as p says") {
  const auto ones = [](float p, std::size_t draws) {
    Rng rng{23};
    const Tensor<float> rate(Shape{1'000'000}, p);
    Tensor<float> x;
    std::ptrdiff_t count = 0;
    for (std::size_t drawn = 0; drawn < draws; drawn += rate.size()) {
      fill_bernoulli(rng, rate, x);
      count += std::count(x.begin(), x.end(), 1.0f);
    }
    return static_cast<double>(count);
  };
  CHECK(ones(1e-30f, 100'000'000) == 0);
  CHECK(ones(1e-9f, 100'000'000) <= 2);  // 0.1 expected
  CHECK(std::abs(ones(0x1p-22f, 100'000'000) - 23.8) < 4 * 4.9);
}

TEMPLATE_TEST_CASE("Bernoulli draws have the given probabilities, certain at 0 and 1", "", float, double) {
  constexpr std::size_t n = 200'000;
  Rng rng{5};
  Tensor<TestType> p = Tensor<TestType>::from_shape({5, n}), x;
  for (std::size_t i = 0; i < 5; ++i) xt::view(p, i, xt::all()) = static_cast<TestType>(i) / TestType(4);
  fill_bernoulli(rng, p, x);
  for (std::size_t i = 0; i < 5; ++i)
    CHECK(xt::mean(xt::cast<double>(xt::view(x, i, xt::all())))() ==
          Approx(static_cast<double>(i) / 4).margin(i % 4 == 0 ? 0.0 : 5e-3));
  Rng again{5};
  fill_bernoulli(again, p, p);
  CHECK((p == x));
}

TEMPLATE_TEST_CASE("What is no probability is refused, wherever it stands", "", float, double) {
  for (const double wrong : {1.5, -1e-30, std::nan(""), 255.0})
    for (const std::size_t place : {0, 700, 99'999}) {
      Rng rng{5};
      Tensor<TestType> p(Shape{100, 1000}, TestType(0.5)), x;
      p.data()[place] = static_cast<TestType>(wrong);
      const auto names_it = Catch::Matchers::Contains(" at (" + std::to_string(place / 1000) + ", " +
                                                      std::to_string(place % 1000) + ")");
      CHECK_THROWS_WITH(fill_bernoulli(rng, p, x), names_it);
      CHECK_THROWS_WITH(fill_bernoulli(rng, p, p), names_it);
    }
}

TEST_CASE("A permutation holds every number once, and differs from draw to draw") {
  Rng rng{2};
  std::vector<std::size_t> first, second, none;
  permute(rng, 1000, first);
  permute(rng, 1000, second);
  CHECK(first != second);
  CHECK(std::set(first.begin(), first.end()).size() == 1000);
  permute(rng, 0, none);
  CHECK(none.empty());
  std::map<std::vector<std::size_t>, int> seen;
  for (int draw = 0; draw < 6000; ++draw) {
    permute(rng, 3, none);
    ++seen[none];
  }
  CHECK(seen.size() == 6);
  for (const auto& [order, count] : seen) CHECK(std::abs(count - 1000) < 150);
  std::size_t fixed = 0;
  for (std::size_t i = 0; i < 1000; ++i) fixed += first[i] == i;
  CHECK(fixed < 10);
}
