// NumPy's files: .npy with one array, .npz with several by name.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "strata/tensor/io/zip.hpp"
#include "strata/tensor/tensor.hpp"

namespace strata {

/// An array as a NumPy file holds it: booleans, whole numbers or floats of single or double precision, in C
/// or Fortran order, of either byte order. Errors are std::runtime_error "[read_numpy] file: fact; hint";
/// pickled Python objects are refused, since to read them is to run them.
class NumpyArray {
 public:
  /// Reads a .npy file; its data only where the header describes exactly so many.
  static NumpyArray read(const std::filesystem::path& file);

  /// The same of a member of a .npz file, which is called "images.npy" for images.
  static NumpyArray read(const std::filesystem::path& file, const ZipArchive& archive,
                         const std::string& member);

  const Shape& shape() const { return shape_; }

  /// As NumPy writes it: "|u1", "<f4".
  const std::string& dtype() const { return dtype_; }
  bool floating() const { return dtype_[1] == 'f'; }

  /// Its elements in C order. T is std::uint8_t, std::int64_t, float or double; throws where T is a whole
  /// number and does not hold an element.
  template <class T> Tensor<T> get() const;

 private:
  static NumpyArray read(std::size_t size, const std::function<std::string(std::size_t)>& next,
                         std::string name);

  std::string name_, dtype_, bytes_;
  bool fortran_ = false;
  Shape shape_;
};

}  // namespace strata
