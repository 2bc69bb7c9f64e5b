// What a step may change in a model beside what an optimizer does, to return to.
#pragma once

#include <utility>
#include <vector>

#include "strata/nn/fields.hpp"

namespace strata {

/// The buffers of a model, which must outlive this, as they were at the last `save`, and the versions of its
/// parameters. Saving again allocates nothing.
template <class T> class Snapshot {
 public:
  Snapshot() = default;
  template <class Module> explicit Snapshot(Module& module) {
    for_each_tensor(module, [&](const std::string& path, auto& leaf) {
      if constexpr (detail::is_buffer<std::remove_cvref_t<decltype(leaf)>>)
        buffers_.emplace_back(&leaf, leaf.value());
      else
        parameters_.push_back({{path, &leaf}, leaf.version()});
    });
  }

  void save() {
    for (auto& [buffer, value] : buffers_) value = buffer->value();
    for (auto& [parameter, version] : parameters_) version = parameter.parameter->version();
  }

  /// Gives the buffers their values back.
  void restore() const {
    for (const auto& [buffer, value] : buffers_) buffer->write() = value;
  }

  /// The path of the first parameter that was changed since, or nothing.
  std::string changed() const {
    for (const auto& [parameter, version] : parameters_)
      if (parameter.parameter->version() != version) return parameter.name;
    return "";
  }

 private:
  std::vector<std::pair<Versioned<T>*, Tensor<T>>> buffers_;
  std::vector<std::pair<NamedParameter<T>, std::uint64_t>> parameters_;
};

}  // namespace strata
