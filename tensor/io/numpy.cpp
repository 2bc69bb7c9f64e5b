#include "strata/tensor/io/numpy.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <utility>

#include "strata/tensor/io/file.hpp"

namespace strata {
namespace {

constexpr const char* operation = "read_numpy";

// What a header says, a Python dictionary such as
//     {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
class Header {
 public:
  std::string dtype;
  bool fortran = false;
  Shape shape;

  Header(std::string_view text, const std::string& name) : text_(text), name_(name) {
    bool has_order = false, has_shape = false;
    require(take("{"));
    while (!take("}")) {
      const std::string key = string();
      require(take(":"));
      if (key == "descr" && dtype.empty())
        dtype = type();
      else if (key == "fortran_order" && !std::exchange(has_order, true))
        fortran = take("True") || (require(take("False")), false);
      else if (key == "shape" && !std::exchange(has_shape, true))
        read_shape();
      else
        require(false);
      if (!take(",")) require(text_.starts_with("}"));
    }
    require(!dtype.empty() && has_order && has_shape &&
            text_.find_first_not_of(" \n") == std::string_view::npos);
  }

 private:
  void require(bool good) const {
    if (!good)
      fail_file(operation, name_, "its header is none of NumPy's; the file is corrupt, get it again");
  }

  bool take(std::string_view token) {
    text_.remove_prefix(std::min(text_.find_first_not_of(' '), text_.size()));
    if (!text_.starts_with(token)) return false;
    text_.remove_prefix(token.size());
    text_.remove_prefix(std::min(text_.find_first_not_of(' '), text_.size()));
    return true;
  }

  std::string string() {
    require(take("'"));
    const auto end = text_.find('\'');
    require(end != std::string_view::npos);
    const std::string content(text_.substr(0, end));
    text_.remove_prefix(end + 1);
    return content;
  }

  std::string type() {
    if (text_.starts_with("["))
      fail_file(operation, name_, "its elements are records; save each field as an array of its own");
    return string();
  }

  void read_shape() {
    constexpr std::size_t highest_rank = 32;
    require(take("("));
    while (!take(")")) {
      std::size_t size = 0;
      const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), size);
      require(error == std::errc() && shape.size() < highest_rank);
      text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
      shape.push_back(size);
      if (!take(",")) require(text_.starts_with(")"));
    }
  }

  std::string_view text_;
  const std::string& name_;
};

// Calls f(an element) of the type; false for a type that is not read.
template <class F> bool with_type(const std::string& dtype, F f) {
  const std::string kind = dtype.size() == 3 ? dtype.substr(1) : "";
  const auto is = [&](const char* other, auto element) {
    if (kind != other) return false;
    f(element);
    return true;
  };
  return is("b1", std::uint8_t{}) || is("u1", std::uint8_t{}) || is("u2", std::uint16_t{}) ||
         is("u4", std::uint32_t{}) || is("u8", std::uint64_t{}) || is("i1", std::int8_t{}) ||
         is("i2", std::int16_t{}) || is("i4", std::int32_t{}) || is("i8", std::int64_t{}) ||
         is("f4", float{}) || is("f8", double{});
}

// Bytes of an element; of a type that is not read an error that names it.
std::size_t element_size(const std::string& dtype, const std::string& name) {
  std::size_t size = 0;
  if (std::string_view("<>|=").find(dtype[0]) != std::string_view::npos &&
      with_type(dtype, [&](auto element) { size = sizeof element; }))
    return size;
  if (dtype.find('O') != std::string::npos)
    fail_file(
        operation, name,
        "holds pickled Python objects (dtype object), which are never loaded; save an array of numbers");
  fail_file(operation, name,
            "holds elements of type '" + dtype +
                "'; booleans, whole numbers, float32 and float64 are read (array.astype)");
}

template <class T, class From> bool holds(From x) {
  if constexpr (std::is_floating_point_v<T>)
    return true;
  else if constexpr (std::is_floating_point_v<From>)
    return std::trunc(x) == x && (sizeof(T) == 1 ? x >= 0 && x < 256 : x >= -0x1p63 && x < 0x1p63);
  else
    return std::in_range<T>(x);
}

}  // namespace

NumpyArray NumpyArray::read(std::size_t size, const std::function<std::string(std::size_t)>& next,
                            std::string name) {
  constexpr std::size_t shortest = 10, longest_header = 1 << 16;
  const auto corrupt = [&](const std::string& fact) { fail_file(operation, name, fact + ", get it again"); };
  if (size < shortest) corrupt("has " + std::to_string(size) + " bytes; the file is cut short");
  const std::string magic = next(8);
  if (magic[0] == '\x80')
    fail_file(operation, name, "is a Python pickle, which is never loaded; use numpy.save");
  if (!magic.starts_with("\x93NUMPY")) corrupt("does not begin as a NumPy array does; is it the right file?");
  const std::size_t length_bytes = magic[6] == 1 ? 2 : 4;
  if (size < 8 + length_bytes) corrupt("is cut short");
  std::size_t length = 0, begin = 8 + length_bytes;
  const std::string digits = next(length_bytes);
  for (std::size_t i = length_bytes; i-- > 0;) length = length << 8 | static_cast<unsigned char>(digits[i]);
  if (length > longest_header || length > size - begin)
    corrupt("its header is announced to have " + std::to_string(length) + " bytes; the file is corrupt");
  const std::string text = next(length);
  begin += length;
  const Header header(text, name);
  const auto bytes = byte_count(header.shape, element_size(header.dtype, name));
  if (!bytes || *bytes != size - begin)
    corrupt("its shape " + to_string(header.shape) + " of type '" + header.dtype + "' does not take the " +
            std::to_string(size - begin) + " bytes that follow; the file is cut short or corrupt");
  NumpyArray array;
  array.name_ = std::move(name);
  array.dtype_ = header.dtype;
  array.fortran_ = header.fortran;
  array.shape_ = header.shape;
  array.bytes_ = next(*bytes);
  return array;
}

NumpyArray NumpyArray::read(const std::filesystem::path& file) {
  InputFile input(file, operation);
  return read(
      input.size(), [&](std::size_t count) { return input.read(count); }, file.string());
}

NumpyArray NumpyArray::read(const std::filesystem::path& file, const ZipArchive& archive,
                            const std::string& member) {
  auto input = archive.open(member);
  return read(
      input.size(), [&](std::size_t count) { return input.read(count); }, file.string() + ": " + member);
}

template <class T> Tensor<T> NumpyArray::get() const {
  auto x = Tensor<T>::from_shape(shape_);
  const bool swapped = dtype_[0] == (std::endian::native == std::endian::little ? '>' : '<');
  // Where the element of C order i lies.
  const auto place = [&](std::size_t i) {
    if (!fortran_) return i;
    std::size_t at = 0, stride = x.size();
    for (std::size_t axis = shape_.size(); axis-- > 0; i /= shape_[axis]) {
      stride /= shape_[axis];
      at += i % shape_[axis] * stride;
    }
    return at;
  };
  with_type(dtype_, [&]<class From>(From element) {
    for (std::size_t i = 0; i < x.size(); ++i) {
      auto* const bytes = reinterpret_cast<char*>(&element);
      std::memcpy(bytes, bytes_.data() + place(i) * sizeof element, sizeof element);
      if (swapped) std::reverse(bytes, bytes + sizeof element);
      if (!holds<T>(element))
        fail_file(operation, name_,
                  "element " + std::to_string(i) + " is " + std::to_string(element) + ", but whole numbers " +
                      (sizeof(T) == 1 ? "from 0 to 255" : "of 64 bits") + " are needed here");
      x.data()[i] = static_cast<T>(element);
    }
  });
  return x;
}

template Tensor<std::uint8_t> NumpyArray::get() const;
template Tensor<std::int64_t> NumpyArray::get() const;
template Tensor<float> NumpyArray::get() const;
template Tensor<double> NumpyArray::get() const;

}  // namespace strata
