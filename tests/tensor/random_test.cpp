#include "strata/tensor/random.hpp"

#include <Random123/philox.h>

#include <catch2/catch.hpp>
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
