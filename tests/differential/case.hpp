// One case of the differential test, and the tables of what can be called by name.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "strata/autograd/axes.hpp"
#include "strata/autograd/tape.hpp"

namespace strata::differential {

/// Options of an operation, or a list: axes, sizes, rows.
template <class T> struct Numbers {
  std::vector<T> values;

  T operator[](std::size_t i) const { return values.at(i); }
  std::ptrdiff_t whole(std::size_t i) const { return static_cast<std::ptrdiff_t>(values.at(i)); }
  std::size_t count(std::size_t i) const { return static_cast<std::size_t>(values.at(i)); }
  std::vector<std::size_t> counts(std::size_t first = 0) const { return list<std::size_t>(first); }
  Axes axes(std::size_t first = 0) const { return Axes(list<std::ptrdiff_t>(first)); }
  Sizes sizes() const { return Sizes(list<std::ptrdiff_t>(0)); }
  Shape shape() const {
    const auto sizes = counts();
    return Shape(sizes.begin(), sizes.end());
  }

 private:
  template <class I> std::vector<I> list(std::size_t first) const {
    std::vector<I> whole_numbers;
    for (std::size_t i = first; i < values.size(); ++i) whole_numbers.push_back(static_cast<I>(values[i]));
    return whole_numbers;
  }
};

template <class T> using Tensors = std::vector<Tensor<T>>;

/// What is differentiated: y = f(x, options).
template <class T> using Operation = std::function<Var<T>(const std::vector<Var<T>>&, const Numbers<T>&)>;

/// Anything else, from tensors to tensors.
template <class T> using Procedure = std::function<Tensors<T>(const Tensors<T>&, const Numbers<T>&)>;

template <class T> std::map<std::string, Operation<T>> operations();     // of autograd
template <class T> std::map<std::string, Operation<T>> distributions();  // of vae
template <class T> std::map<std::string, Procedure<T>> procedures();     // of nn, and what has no derivative

}  // namespace strata::differential
