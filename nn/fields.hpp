// Visiting a module's tensors. A module lists its fields once:
//
//     static void fields(auto& self, auto&& visit) {
//       visit("weight", self.weight);
//       visit("bias", self.bias);
//     }
//
// A field is a Parameter, a Buffer, another module, or a vector or optional of these. Everything else that
// one does with all tensors of a model is a free function over that list.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nn/parameter.hpp"

namespace strata {

namespace detail {

inline std::string join(const std::string& prefix, const std::string& name) {
  return prefix.empty() || name.empty() ? prefix + name : prefix + "." + name;
}

template <class T> constexpr bool is_parameter = false;
template <class T> constexpr bool is_parameter<Parameter<T>> = true;
template <class T> constexpr bool is_buffer = false;
template <class T> constexpr bool is_buffer<Buffer<T>> = true;

template <class Field, class F> void walk(const std::string& path, Field& field, F& f) {
  using Plain = std::remove_const_t<Field>;
  if constexpr (is_parameter<Plain> || is_buffer<Plain>) {
    f(path, field);
  } else if constexpr (requires { field.has_value(); }) {
    if (field.has_value()) walk(path, *field, f);
  } else if constexpr (requires { field.size(), field[0]; }) {
    for (std::size_t i = 0; i < field.size(); ++i) walk(join(path, std::to_string(i)), field[i], f);
  } else {
    Plain::fields(field, [&](const char* name, auto& part) { walk(join(path, name), part, f); });
  }
}

}  // namespace detail

/// Calls f(path, leaf) for every Parameter and Buffer, in the order of the fields. The path joins the fields'
/// names: "encoder.hidden.0.weight".
template <class Module, class F> void for_each_tensor(Module& module, F f) { detail::walk("", module, f); }

/// A parameter and its path in the model, which outlives it.
template <class T> struct NamedParameter {
  std::string name;
  Parameter<T>* parameter;
};

/// All parameters of a model of element type T.
template <class T, class Module> std::vector<NamedParameter<T>> parameters(Module& module) {
  static_assert(!std::is_const_v<Module>, "parameters can be trained, so that their model cannot be const");
  std::vector<NamedParameter<T>> all;
  for_each_tensor(module, [&](const std::string& path, auto& leaf) {
    if constexpr (detail::is_parameter<std::remove_reference_t<decltype(leaf)>>) all.push_back({path, &leaf});
  });
  return all;
}

/// The number of trained scalars.
template <class Module> std::size_t parameter_count(const Module& module) {
  std::size_t count = 0;
  for_each_tensor(module, [&](const std::string&, const auto& leaf) {
    if constexpr (detail::is_parameter<std::remove_cvref_t<decltype(leaf)>>) count += leaf.value.size();
  });
  return count;
}

/// Forgets the gradients that reached a model's parameters.
template <class Module> void discard_gradients(const Module& module) {
  for_each_tensor(module, [](const std::string&, const auto& leaf) {
    if constexpr (detail::is_parameter<std::remove_cvref_t<decltype(leaf)>>) leaf.gradient.received = false;
  });
}

}  // namespace strata
