// Enumerations by name, as command lines and saved configurations write them.
#pragma once

#include <array>
#include <string>
#include <utility>

#include "tensor/tensor.hpp"

namespace strata {

template <class E, std::size_t N> using Names = std::array<std::pair<E, const char*>, N>;

/// The name of a value.
template <class E, std::size_t N> std::string name_of(const Names<E, N>& names, E value) {
  for (const auto& [known, name] : names)
    if (known == value) return name;
  fail("name_of", "the value " + std::to_string(static_cast<int>(value)) + " has no name");
}

/// The value of a name. Throws "[what] ..." with the names that exist.
template <class E, std::size_t N>
E parse_name(const char* what, const Names<E, N>& names, const std::string& given) {
  std::string all;
  for (const auto& [value, name] : names) {
    if (given == name) return value;
    all += (all.empty() ? "" : ", ") + std::string(name);
  }
  fail(what, "'" + given + "' is unknown; there are " + all);
}

}  // namespace strata
