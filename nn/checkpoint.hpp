// Everything that a module lists in a safetensors file: a model's weights, or all of a run's state.
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>

#include "strata/nn/fields.hpp"
#include "strata/tensor/io/safetensors.hpp"

namespace strata {

namespace detail {

// The element type that a file holds for a number.
template <Number N> using Stored = std::conditional_t<
    std::floating_point<N>, N,
    std::conditional_t<sizeof(N) == 1, std::uint8_t,
                       std::conditional_t<std::is_signed_v<N>, std::int64_t, std::uint64_t>>>;

// A leaf as the tensor that a file holds: a number has rank 0, a list one axis.
template <class Leaf> decltype(auto) as_tensor(const Leaf& leaf) {
  if constexpr (is_tensor<Leaf>)
    return (leaf);
  else if constexpr (Number<Leaf>)
    return Tensor<Stored<Leaf>>(Shape{}, static_cast<Stored<Leaf>>(leaf));
  else if constexpr (NumberList<Leaf>) {
    auto row = Tensor<Stored<typename Leaf::value_type>>::from_shape({leaf.size()});
    std::copy(leaf.begin(), leaf.end(), row.begin());
    return row;
  } else
    return (leaf.value());
}

template <class Leaf> using StoredIn =
    typename std::remove_cvref_t<decltype(as_tensor(std::declval<Leaf>()))>::value_type;

template <class Leaf, class T> void assign(Leaf& leaf, Tensor<T> tensor) {
  if constexpr (is_tensor<Leaf>)
    leaf = std::move(tensor);
  else if constexpr (Number<Leaf>)
    leaf = static_cast<Leaf>(tensor());
  else if constexpr (NumberList<Leaf>) {
    leaf.resize(tensor.size());
    std::transform(tensor.begin(), tensor.end(), leaf.begin(),
                   [](T x) { return static_cast<typename Leaf::value_type>(x); });
  } else
    leaf.write() = std::move(tensor);
}

}  // namespace detail

/// Adds everything that the module lists to the file, under its path: tensors, numbers with rank 0, lists of
/// numbers as a row. Throws std::runtime_error if two fields have one path.
template <class Module> void store(const Module& module, Safetensors& file) {
  std::set<std::string> paths;
  for_each_leaf(module, [&](const std::string& path, const auto& leaf) {
    if (!paths.insert(path).second)
      throw std::runtime_error("[store] two fields are called '" + path +
                               "'; give the modules that hold them names of their own");
    file.set(path, detail::as_tensor(leaf));
  });
}

/// Writes a file of the module's fields alone, whole or not at all. Throws std::runtime_error if it cannot.
template <class Module> void store(const Module& module, const std::filesystem::path& path) {
  Safetensors file;
  store(module, file);
  file.write(path);
}

/// Sets everything that the module lists from the file. Throws std::runtime_error, changing nothing, if
/// something is missing, has another shape (lists may have any length) or element type, or is none of the
/// module's fields; names it.
template <class Module> void restore(Module& module, const Safetensors& file) {
  std::vector<std::string> surplus = file.names();
  for_each_leaf(module, [&]<class Leaf>(const std::string& path, const Leaf& leaf) {
    std::erase(surplus, path);
    const Shape &in_file = file.shape(path), in_module = detail::as_tensor(leaf).shape();
    if (in_file != in_module && !(detail::NumberList<Leaf> && in_file.size() == 1))
      throw std::runtime_error("[restore] '" + path + "' is " + to_string(in_file) + " in the file, " +
                               to_string(in_module) +
                               " in the model; is it a file of another configuration?");
    (void)file.get<detail::StoredIn<Leaf>>(path);
  });
  if (!surplus.empty())
    throw std::runtime_error(
        "[restore] '" + surplus[0] +
        "' in the file is none of the model's tensors; is it a file of another configuration?");
  for_each_leaf(module, [&]<class Leaf>(const std::string& path, Leaf& leaf) {
    detail::assign(leaf, file.get<detail::StoredIn<Leaf>>(path));
  });
}

/// The same from a file, which is read whole. Throws also if it is no such file.
template <class Module> void restore(Module& module, const std::filesystem::path& path) {
  restore(module, Safetensors::read(path));
}

}  // namespace strata
