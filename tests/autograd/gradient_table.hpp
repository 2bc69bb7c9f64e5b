// The gradient table: one row for each recorded operation.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "strata/autograd/tape.hpp"

namespace strata::tests {

template <class T> using Operation = std::function<Var<T>(const std::vector<Var<T>>&)>;

/// An operation with the shapes and the range of inputs to check it on.
struct Row {
  std::string name;
  Operation<double> in_double;
  Operation<float> in_float;
  std::vector<std::vector<Shape>> shapes;
  double low = -2, high = 2;

  template <class F>
  Row(std::string name_, F f, std::vector<std::vector<Shape>> shapes_, double low_ = -2, double high_ = 2)
      : name(std::move(name_)),
        in_double(f),
        in_float(f),
        shapes(std::move(shapes_)),
        low(low_),
        high(high_) {}
};

std::vector<Row> gradient_table();

/// Inputs of a row that float holds exactly, so that both types see the same numbers.
std::vector<Tensor<double>> inputs_for(const Row& row, const std::vector<Shape>& shapes);

}  // namespace strata::tests
