// A tensor outside the tapes that refer to it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "strata/tensor/tensor.hpp"

namespace strata {

template <class T> class Tape;

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
  ~Versioned() { version_->number = ended; }

  const Tensor<T>& value() const { return value_; }
  std::uint64_t version() const { return version_->number; }

  /// The tensor, to be changed now: this is what counts, so that the reference must not be kept for later.
  Tensor<T>& write() {
    ++version_->number;
    return value_;
  }

  /// What errors call it: its path in a model, which `parameters` and optimizers give it.
  void set_name(const std::string& name) { version_->name = name; }

 private:
  friend class Tape<T>;

  struct Version {
    std::uint64_t number = 0;
    std::string name = {};
  };
  static constexpr std::uint64_t ended = ~std::uint64_t{0};  // the number of a tensor that is no more

  Tensor<T> value_;
  std::shared_ptr<Version> version_ = std::make_shared<Version>();  // outlives the tensor
};

}  // namespace strata
