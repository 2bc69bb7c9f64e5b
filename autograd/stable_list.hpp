// A list to whose elements one may refer while it grows.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace strata::detail {

/// A list that grows, whose elements never move.
template <class V> class StableList {
 public:
  std::size_t size() const { return elements_.size(); }
  V& operator[](std::size_t i) { return *elements_[i]; }
  const V& operator[](std::size_t i) const { return *elements_[i]; }
  V& emplace_back() { return *elements_.emplace_back(std::make_unique<V>()); }

 private:
  std::vector<std::unique_ptr<V>> elements_;
};

}  // namespace strata::detail
