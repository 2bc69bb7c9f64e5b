// Choices by name, as command lines and saved configurations write them.
#pragma once

#include <array>
#include <string>
#include <type_traits>
#include <variant>

#include "strata/tensor/tensor.hpp"

namespace strata {

/// The names of an enumeration's values, or of a variant's alternatives, in their order; specialised beside
/// each of them:
///
///     template <> struct Named<Activation> {
///       static constexpr const char* what = "activation";
///       static constexpr std::array names = {"softplus", "relu", ...};
///     };
template <class E> struct Named;

template <class E>
concept HasNames = requires {
  Named<E>::names;
};

namespace detail {

/// The i-th value, i < size of the names.
template <HasNames E, std::size_t I = 0> E named_value(std::size_t i) {
  if constexpr (std::is_enum_v<E>)
    return static_cast<E>(i);
  else if constexpr (I + 1 < std::variant_size_v<E>)
    return i == I ? E(std::in_place_index<I>) : named_value<E, I + 1>(i);
  else
    return E(std::in_place_index<I>);
}

}  // namespace detail

/// "softplus, relu, ...": all names.
template <HasNames E> std::string choices() {
  std::string all;
  for (const char* name : Named<E>::names) all += (all.empty() ? "" : ", ") + std::string(name);
  return all;
}

/// The value of a name. Throws "[what] ..." with the names that exist, after `others`, which the caller
/// takes.
template <HasNames E> E parse(const std::string& given, const std::string& others = "") {
  const auto& names = Named<E>::names;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (given == names[i]) return detail::named_value<E>(i);
  fail(Named<E>::what, "'" + given + "' is unknown; there are " + others + choices<E>());
}

/// The name of a value.
template <HasNames E> std::string to_string(const E& value) {
  if constexpr (std::is_enum_v<E>)
    return Named<E>::names.at(static_cast<std::size_t>(value));
  else
    return Named<E>::names.at(value.index());
}

}  // namespace strata
