// A closure held in place, so that recording an operation allocates nothing.
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace strata {

/// A callable void(Argument) of at most `capacity` bytes, or nothing.
template <class Argument> class Callback {
 public:
  static constexpr std::size_t capacity = 128;

  Callback() = default;
  Callback(const Callback&) = delete;
  Callback& operator=(const Callback&) = delete;
  ~Callback() { clear(); }

  template <class F> void set(F f) {
    static_assert(
        sizeof(F) <= capacity,
        "a derivative's captures exceed Callback::capacity: capture Vars and numbers, and put tensors on the "
        "tape as constants");
    clear();
    new (storage_) F(std::move(f));
    call_ = [](std::byte* storage, Argument argument) {
      (*std::launder(reinterpret_cast<F*>(storage)))(argument);
    };
    if constexpr (!std::is_trivially_destructible_v<F>)
      destroy_ = [](std::byte* storage) { std::launder(reinterpret_cast<F*>(storage))->~F(); };
  }

  void clear() {
    if (destroy_) destroy_(storage_);
    destroy_ = nullptr;
    call_ = nullptr;
  }

  explicit operator bool() const { return call_ != nullptr; }
  void operator()(Argument argument) { call_(storage_, argument); }

 private:
  alignas(std::max_align_t) std::byte storage_[capacity];
  void (*call_)(std::byte*, Argument) = nullptr;
  void (*destroy_)(std::byte*) = nullptr;
};

}  // namespace strata
