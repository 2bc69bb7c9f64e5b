// The safetensors format: named tensors and a few strings in one file.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "strata/tensor/io/file.hpp"

namespace strata {
namespace detail {

struct StoredTensor {
  std::string dtype = {};
  Shape shape = {};
  std::string bytes = {};          // little-endian, as in the file
  std::size_t begin = 0, end = 0;  // where the file's header says that they are
};

}  // namespace detail

/// The content of a safetensors file. Tensors of element types other than F16, BF16, F32, F64, U8, U64 and
/// I64 are kept as they are and written again, but not read as a Tensor. Headers have up to 10 MB. Unless
/// said otherwise errors are std::runtime_error
/// "[safetensors] file: fact; hint".
class Safetensors {
 public:
  /// Free text, the format's `__metadata__`.
  std::map<std::string, std::string> metadata;

  /// Reads and validates a whole file; its data only where the header describes exactly so many.
  static Safetensors read(const std::filesystem::path& file);

  /// The same from the file's previous generation where the file itself cannot be read.
  static Safetensors read_newest(const std::filesystem::path& file);

  /// The same from a file's content; `name` stands for the file in errors.
  static Safetensors parse(std::string_view content, const std::string& name);

  /// Writes all tensors, atomically: a failure leaves an old file as it was. See `write_atomically`.
  void write(const std::filesystem::path& file, Replaced replaced = Replaced::dropped) const;

  /// The tensor of that name. T is float or double, converted from F16, BF16, F32 or F64; or std::uint8_t,
  /// std::uint64_t or std::int64_t, from just that type. Throws if there is none or its element type is
  /// another.
  template <class T> Tensor<T> get(const std::string& name) const;

  /// Adds a tensor or replaces that of the same name, stored as F32, F64, U8, U64 or I64. Throws
  /// std::invalid_argument for the name `__metadata__`, which the format reserves.
  template <class T> void set(const std::string& name, const Tensor<T>& x);

  bool contains(const std::string& name) const;

  /// All names in alphabetical order.
  std::vector<std::string> names() const;

  /// The shape of the tensor of that name. Throws if there is none.
  const Shape& shape(const std::string& name) const;

  /// Its element type as the format calls it: "F32", "F64", "I64" ... Throws if there is none.
  const std::string& dtype(const std::string& name) const;

  /// Throws, naming it, for a tensor of real numbers one of which is infinite or NaN.
  void require_finite() const;

 private:
  using Entry = detail::StoredTensor;

  // From a source of `size` bytes, which gives the next so many.
  static Safetensors read(std::size_t size, const std::function<std::string(std::size_t)>& next,
                          const std::string& name);

  const Entry& entry(const std::string& name) const;

  std::map<std::string, Entry> entries_;
  std::string source_ = "(not from a file)";
};

}  // namespace strata
