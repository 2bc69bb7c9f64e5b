// A model's tensors in a safetensors file.
#pragma once

#include "strata/nn/fields.hpp"
#include "strata/tensor/io/safetensors.hpp"

namespace strata {

/// Adds every parameter and buffer of the model to the file, under its path.
template <class Module> void store(const Module& module, Safetensors& file) {
  for_each_tensor(module, [&](const std::string& path, const auto& leaf) { file.set(path, leaf.value()); });
}

/// Writes a file of the model's tensors alone, whole or not at all. Throws std::runtime_error if it cannot.
template <class Module> void store(const Module& module, const std::filesystem::path& path) {
  Safetensors file;
  store(module, file);
  file.write(path);
}

namespace detail {
/// The file's tensor of that path, in the element type of the one given.
template <class T> Tensor<T> read_like(const Tensor<T>&, const std::string& path, const Safetensors& file) {
  return file.get<T>(path);
}
}  // namespace detail

/// Sets every parameter and buffer of the model from the file. Throws std::runtime_error, changing nothing,
/// if a tensor is missing, has another shape or no element type to read, or is none of the model's; names it.
template <class Module> void restore(Module& module, const Safetensors& file) {
  std::vector<std::string> surplus = file.names();
  for_each_tensor(module, [&](const std::string& path, const auto& leaf) {
    std::erase(surplus, path);
    if (file.shape(path) != leaf.value().shape())
      throw std::runtime_error("[restore] '" + path + "' is " + to_string(file.shape(path)) +
                               " in the file, " + to_string(leaf.value().shape()) +
                               " in the model; is it a file of another configuration?");
    (void)detail::read_like(leaf.value(), path, file);
  });
  if (!surplus.empty())
    throw std::runtime_error(
        "[restore] '" + surplus[0] +
        "' in the file is none of the model's tensors; is it a file of another configuration?");
  for_each_tensor(module, [&](const std::string& path, auto& leaf) {
    leaf.write() = detail::read_like(leaf.value(), path, file);
  });
}

/// The same from a file, which is read whole. Throws also if it is no such file.
template <class Module> void restore(Module& module, const std::filesystem::path& path) {
  restore(module, Safetensors::read(path));
}

}  // namespace strata
