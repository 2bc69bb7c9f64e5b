// A model's tensors in a safetensors file.
#pragma once

#include "nn/fields.hpp"
#include "tensor/io/safetensors.hpp"

namespace strata {

/// Adds every parameter and buffer of the model to the file, under its path.
template <class Module> void store(const Module& module, Safetensors& file) {
  for_each_tensor(module, [&](const std::string& path, const auto& leaf) { file.set(path, leaf.value); });
}

/// Sets every parameter and buffer of the model from the file. Throws std::runtime_error, changing nothing,
/// if a tensor is missing or has another shape; names the tensor and both shapes.
template <class Module> void restore(Module& module, const Safetensors& file) {
  for_each_tensor(module, [&](const std::string& path, const auto& leaf) {
    if (file.shape(path) != leaf.value.shape())
      throw std::runtime_error("[restore] '" + path + "' is " + to_string(file.shape(path)) +
                               " in the file, " + to_string(leaf.value.shape()) +
                               " in the model; is it a file of another configuration?");
  });
  for_each_tensor(module, [&](const std::string& path, auto& leaf) {
    leaf.value = file.get<typename std::remove_cvref_t<decltype(leaf.value)>::value_type>(path);
  });
}

}  // namespace strata
