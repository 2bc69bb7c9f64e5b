#include "strata/tests/autograd/gradient_table.hpp"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <regex>
#include <set>

#include "strata/autograd/arithmetic.hpp"
#include "strata/autograd/gradcheck.hpp"
#include "strata/autograd/reduce.hpp"
#include "strata/autograd/shape.hpp"
#include "strata/tensor/random.hpp"

using namespace strata;
using namespace strata::tests;

namespace {

// Adds one leading axis of size 2 in front of the output: its gradient must come back summed.
template <class T> Var<T> repeated(Var<T> y) {
  Shape shape(y.shape().size() + 1, 2);
  std::copy(y.shape().begin(), y.shape().end(), shape.begin() + 1);
  return broadcast(y, shape);
}

struct Evaluation {
  std::vector<Tensor<double>> tensors;  // the value, then each gradient
};

template <class T> Evaluation evaluate(const Operation<T>& f, const std::vector<Tensor<double>>& inputs) {
  Tape<T> tape;
  std::vector<Var<T>> x;
  for (const auto& input : inputs) x.push_back(tape.variable(xt::cast<T>(input)));
  const Var<T> y = f(x);
  Rng rng{7};
  auto cotangent = Tensor<float>::from_shape(y.shape());
  fill_normal(rng, cotangent);
  tape.backward(y, xt::cast<T>(cotangent));
  Evaluation result;
  result.tensors.push_back(xt::cast<double>(y.value()));
  for (const Var<T> input : x) result.tensors.push_back(xt::cast<double>(input.grad()));
  return result;
}

double largest(const Tensor<double>& x) { return x.size() == 0 ? 0.0 : xt::amax(xt::abs(x))(); }

}  // namespace

TEST_CASE("Every operation's derivative agrees with finite differences to 1e-7, on every shape") {
  for (const Row& row : gradient_table()) {
    REQUIRE(row.shapes.size() >= 6);
    for (const auto& shapes : row.shapes) {
      INFO(row.name << " on " << to_string(shapes.front()) << " and " << shapes.size() - 1 << " more");
      const auto inputs = inputs_for(row, shapes);
      const auto once = gradcheck([&](auto&, auto& x) { return row.in_double(x); }, inputs);
      CHECK(once.message == "");
      const auto twice = gradcheck(
          [&](auto&, auto& x) { return row.in_double(x) + 2 * repeated(row.in_double(x)); }, inputs);
      CHECK(twice.message == "");
    }
  }
}

TEST_CASE("Every operation's float value and gradients agree with double to 1e-5") {
  for (const Row& row : gradient_table())
    for (const auto& shapes : row.shapes) {
      INFO(row.name << " on " << to_string(shapes.front()) << " and " << shapes.size() - 1 << " more");
      const auto inputs = inputs_for(row, shapes);
      const auto in_double = evaluate(row.in_double, inputs), in_float = evaluate(row.in_float, inputs);
      for (std::size_t i = 0; i < in_double.tensors.size(); ++i)
        CHECK(largest(in_double.tensors[i] - in_float.tensors[i]) <= 1e-5 * largest(in_double.tensors[i]));
    }
}

TEST_CASE("No value or gradient depends on what its memory held before") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  for (const Row& row : gradient_table())
    for (const auto& shapes : row.shapes) {
      INFO(row.name << " on " << to_string(shapes.front()) << " and " << shapes.size() - 1 << " more");
      const auto inputs = inputs_for(row, shapes);
      const auto record_on = [&](Tape<double>& tape, double factor) {
        tape.reset();
        std::vector<Var<double>> x;
        for (const auto& input : inputs) x.push_back(tape.variable(factor * input));
        return std::pair(x, sum(row.in_double(x)));
      };
      Tape<double> used, fresh;
      used.backward(record_on(used, 1).second, Tensor<double>(nan));
      try {
        record_on(used, nan);
      } catch (const std::invalid_argument&) {  // of some operations, in mid-way
      }
      const auto [x, y] = record_on(used, 1);
      used.backward(y);
      const auto [x_fresh, y_fresh] = record_on(fresh, 1);
      fresh.backward(y_fresh);
      CHECK(y.value()() == y_fresh.value()());
      for (std::size_t i = 0; i < x.size(); ++i) CHECK((x[i].grad() == x_fresh[i].grad()));
    }
}

TEST_CASE("Every recorded operation has a row in the gradient table") {
  std::set<std::string> rows, recorded;
  for (const Row& row : gradient_table()) rows.insert(row.name);
  for (const auto* folder : {"autograd", "nn", "vae"})
    for (const auto& file :
         std::filesystem::recursive_directory_iterator(std::string(STRATA_SOURCE_DIR "/") + folder))
      if (file.path().extension() == ".cpp") {
        std::ifstream stream(file.path());
        const std::string text(std::istreambuf_iterator<char>(stream), {});
        const std::regex call(R"rx(record\w*\(\s*"(\w+)")rx");
        for (std::sregex_iterator match(text.begin(), text.end(), call), end; match != end; ++match)
          recorded.insert((*match)[1]);
      }
  CHECK(recorded.size() >= 35);
  for (const auto& name : recorded) {
    INFO("operation '" << name << "' has no row in tests/autograd/gradient_table.cpp");
    CHECK(rows.contains(name));
  }
  for (const auto& name : rows) {
    INFO("row '" << name << "' stands for no operation");
    CHECK(recorded.contains(name));
  }
}
