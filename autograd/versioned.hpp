// A tensor outside the tapes that refer to it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <stdexcept>

#include "strata/tensor/tensor.hpp"

namespace strata {

template <class T> class Tape;

/// Thrown by `backward` where a tensor that the tape refers to was changed since the forward pass.
class TensorChanged : public std::invalid_argument {
 public:
  TensorChanged(const std::string& message, const void* tensor)
      : std::invalid_argument(message), tensor_(tensor) {}

  /// The same, with the tensor's path where it is among these: `paths(model)`.
  TensorChanged named(const std::map<const void*, std::string>& paths) const {
    const auto path = paths.find(tensor_);
    return path == paths.end() ? *this
                               : TensorChanged(what() + ("; the tensor is `" + path->second + "`"), tensor_);
  }

 private:
  const void* tensor_;
};

/// A tensor that tapes refer to without a copy, and its version: every change counts, be it a write, an
/// assignment, being moved from, or its end. `backward` refuses where a tape referred to another version than
/// the present one. Copies have versions of their own.
template <class T> class Versioned {
 public:
  Versioned() = default;
  Versioned(Tensor<T> value) : value_(std::move(value)) {}
  template <class E> Versioned(const xt::xexpression<E>& value) : value_(value) {}

  Versioned(const Versioned& other) : value_(other.value_) {}
  Versioned(Versioned&& other) noexcept : value_(std::move(other.write())) {}
  Versioned& operator=(const Versioned& other) {
    write() = other.value_;
    return *this;
  }
  Versioned& operator=(Versioned&& other) noexcept {
    write() = std::move(other.write());
    return *this;
  }
  ~Versioned() { *version_ = ended; }

  const Tensor<T>& value() const { return value_; }
  std::uint64_t version() const { return *version_; }

  /// The tensor, to be changed now: this is what counts, so that the reference must not be kept for later.
  Tensor<T>& write() {
    ++*version_;
    return value_;
  }

 private:
  friend class Tape<T>;

  static constexpr std::uint64_t ended = ~std::uint64_t{0};  // the version of a tensor that is no more

  Tensor<T> value_;
  std::shared_ptr<std::uint64_t> version_ = std::make_shared<std::uint64_t>(0);  // outlives the tensor
};

}  // namespace strata
