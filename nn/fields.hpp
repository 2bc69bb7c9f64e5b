// Visiting a module's tensors. A module lists its fields once:
//
//     static void fields(auto& self, auto&& visit) {
//       visit("weight", self.weight);
//       visit("bias", self.bias);
//     }
//
// A field is a Parameter, a Buffer, another module, or a vector, optional or variant of these; or, where more
// is to be saved than a model, a Tensor, a number, or a list of numbers. Everything else that one does with
// all tensors of a model is a free function over that list.
#pragma once

#include <concepts>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "strata/nn/parameter.hpp"

namespace strata {

namespace detail {

inline std::string join(const std::string& prefix, const std::string& name) {
  return prefix.empty() || name.empty() ? prefix + name : prefix + "." + name;
}

template <class T> constexpr bool is_parameter = false;
template <class T> constexpr bool is_parameter<Parameter<T>> = true;
template <class T> constexpr bool is_buffer = false;
template <class T> constexpr bool is_buffer<Buffer<T>> = true;
template <class T> constexpr bool is_tensor = false;
template <class T> constexpr bool is_tensor<Tensor<T>> = true;
template <class T> constexpr bool is_variant = false;
template <class... T> constexpr bool is_variant<std::variant<T...>> = true;

template <class N>
concept Number = std::integral<N> || std::floating_point<N>;
template <class L>
concept NumberList = !is_tensor<L> && requires(L & list) {
  requires Number<typename L::value_type>;
  list.resize(list.size()), list.data();
};

template <class Field, class F> void walk(const std::string& path, Field& field, F& f) {
  using Plain = std::remove_const_t<Field>;
  if constexpr (is_parameter<Plain> || is_buffer<Plain> || is_tensor<Plain> || Number<Plain> ||
                NumberList<Plain>) {
    f(path, field);
  } else if constexpr (is_variant<Plain>) {
    std::visit([&](auto& chosen) { walk(path, chosen, f); }, field);
  } else if constexpr (requires { field.has_value(); }) {
    if (field.has_value()) walk(path, *field, f);
  } else if constexpr (requires { field.size(), field[0]; }) {
    for (std::size_t i = 0; i < field.size(); ++i) walk(join(path, std::to_string(i)), field[i], f);
  } else {
    Plain::fields(field, [&](const std::string& name, auto& part) { walk(join(path, name), part, f); });
  }
}

}  // namespace detail

/// Calls f(path, leaf) for everything that the module saves, in the order of the fields: every Parameter,
/// Buffer, Tensor, number and list of numbers. The path joins the fields' names: "encoder.hidden.0.weight".
template <class Module, class F> void for_each_leaf(Module& module, F f) { detail::walk("", module, f); }

/// The same for every Parameter and Buffer alone: the tensors of a model.
template <class Module, class F> void for_each_tensor(Module& module, F f) {
  for_each_leaf(module, [&](const std::string& path, auto& leaf) {
    using Leaf = std::remove_cvref_t<decltype(leaf)>;
    if constexpr (detail::is_parameter<Leaf> || detail::is_buffer<Leaf>) f(path, leaf);
  });
}

/// A parameter and its path in the model, which outlives it.
template <class T> struct NamedParameter {
  std::string name;
  Parameter<T>* parameter;
};

namespace detail {

/// Calls f(path, parameter) for every Parameter alone.
template <class Module, class F> void for_each_parameter(Module& module, F f) {
  for_each_tensor(module, [&](const std::string& path, auto& leaf) {
    if constexpr (is_parameter<std::remove_cvref_t<decltype(leaf)>>) f(path, leaf);
  });
}

}  // namespace detail

/// All parameters of a model of element type T, or of several models, for one optimizer. Errors call the
/// models' tensors by these names from then on.
template <class T, class... Module> std::vector<NamedParameter<T>> parameters(Module&... modules) {
  static_assert(!(std::is_const_v<Module> || ...),
                "parameters can be trained, so that their model cannot be const");
  std::vector<NamedParameter<T>> all;
  const auto add = [&](const std::string& path, auto& tensor) {
    tensor.set_name(path);
    if constexpr (std::is_same_v<decltype(tensor), Parameter<T>&>) all.push_back({path, &tensor});
  };
  (for_each_tensor(modules, add), ...);
  return all;
}

/// The same for models Module<T, ...>, whose element type is their first template argument.
template <template <class, class...> class... Module, class T, class... More>
std::vector<NamedParameter<T>> parameters(Module<T, More...>&... modules) {
  return parameters<T>(modules...);
}

/// The path of every Parameter and Buffer of some models, by the address of its tensor.
template <class... Module> std::map<const void*, std::string> paths(const Module&... modules) {
  std::map<const void*, std::string> all;
  [[maybe_unused]] const auto add = [&](const std::string& path, const auto& leaf) {
    all.emplace(&leaf.value(), path);
  };
  (for_each_tensor(modules, add), ...);
  return all;
}

/// The number of trained scalars, without frozen ones.
template <class Module> std::size_t parameter_count(const Module& module) {
  std::size_t count = 0;
  detail::for_each_parameter(module, [&](const std::string&, const auto& parameter) {
    if (!parameter.frozen) count += parameter.value().size();
  });
  return count;
}

/// Forgets the gradients that reached a model's parameters.
template <class Module> void discard_gradients(const Module& module) {
  detail::for_each_parameter(
      module, [](const std::string&, const auto& parameter) { parameter.gradient.received = false; });
}

/// Makes a model a constant: until `thaw`, no gradient flows into its parameters, which costs nothing in
/// backward, and optimizers pass them over.
template <class Module> void freeze(Module& module) {
  discard_gradients(module);
  detail::for_each_parameter(module, [](const std::string&, auto& parameter) { parameter.frozen = true; });
}

/// Lets a frozen model be trained again.
template <class Module> void thaw(Module& module) {
  detail::for_each_parameter(module, [](const std::string&, auto& parameter) { parameter.frozen = false; });
}

/// A model is frozen for as long as this lives; what was frozen before stays so.
template <class Module> class Frozen {
 public:
  explicit Frozen(Module& module) : module_(module) {
    detail::for_each_parameter(
        module, [&](const std::string&, const auto& parameter) { before_.push_back(parameter.frozen); });
    freeze(module);
  }
  ~Frozen() {
    std::size_t i = 0;
    detail::for_each_parameter(module_,
                               [&](const std::string&, auto& parameter) { parameter.frozen = before_[i++]; });
  }
  Frozen(const Frozen&) = delete;
  Frozen& operator=(const Frozen&) = delete;

 private:
  Module& module_;
  std::vector<bool> before_;
};

}  // namespace strata
