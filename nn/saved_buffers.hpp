// A model's buffers, to return to.
#pragma once

#include <utility>
#include <vector>

#include "strata/nn/fields.hpp"

namespace strata {

/// The values of all buffers of a model, which must outlive this, as they were at the last `save`. Saving
/// again allocates nothing.
template <class T> class SavedBuffers {
 public:
  SavedBuffers() = default;
  template <class Module> explicit SavedBuffers(const Module& module) {
    for_each_tensor(module, [&](const std::string&, const auto& leaf) {
      if constexpr (detail::is_buffer<std::remove_cvref_t<decltype(leaf)>>)
        saved_.emplace_back(&leaf.value, leaf.value);
    });
  }

  void save() {
    for (auto& [buffer, value] : saved_) value = *buffer;
  }
  void restore() const {
    for (const auto& [buffer, value] : saved_) *buffer = value;
  }

 private:
  std::vector<std::pair<Tensor<T>*, Tensor<T>>> saved_;
};

}  // namespace strata
