#include "strata/tensor/io/safetensors.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "strata/tensor/io/file.hpp"
#include "strata/tensor/io/safetensors_header.hpp"

namespace strata {
namespace {

using detail::element_size;
using detail::Invalid;
using detail::quote;

static_assert(std::endian::native == std::endian::little, "tensors are copied to and from files as they are");

constexpr const char* operation = "safetensors";
constexpr std::size_t max_header = 10'000'000;  // the format's own limit is ten times as much

// The header's length, which the first 8 bytes of a file of this size tell.
std::size_t header_length(const std::string& first, std::size_t file_size) {
  std::uint64_t length = 0;
  std::copy_n(first.data(), sizeof length, reinterpret_cast<char*>(&length));
  if (length > max_header)
    throw Invalid("header length " + std::to_string(length) + " is over the limit of " +
                  std::to_string(max_header) + " bytes; this is probably no safetensors file");
  if (length > file_size - 8)
    throw Invalid("file is " + std::to_string(file_size) + " bytes long, its header alone takes 8 + " +
                  std::to_string(length) + "; the file is cut short");
  return length;
}

template <class T> constexpr const char* dtype_of = nullptr;
template <> constexpr const char* dtype_of<float> = "F32";
template <> constexpr const char* dtype_of<double> = "F64";
template <> constexpr const char* dtype_of<std::uint8_t> = "U8";
template <> constexpr const char* dtype_of<std::uint64_t> = "U64";
template <> constexpr const char* dtype_of<std::int64_t> = "I64";

// IEEE 754's binary16: a sign, 5 bits of exponent, 10 of fraction.
float from_half(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31, fraction = bits & 1023;
  const float magnitude = exponent == 31
                              ? (fraction == 0 ? INFINITY : NAN)
                              : std::ldexp(static_cast<float>(exponent == 0 ? fraction : 1024 + fraction),
                                           std::max(exponent, 1) - 25);
  return bits >> 15 ? -magnitude : magnitude;
}

// The upper half of a float.
float from_bfloat(std::uint16_t bits) { return std::bit_cast<float>(std::uint32_t{bits} << 16); }

template <class Stored, class T> Tensor<T> decode(const Shape& shape, const std::string& bytes) {
  Tensor<Stored> x = Tensor<Stored>::from_shape(shape);
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(x.data()));
  return xt::cast<T>(x);
}

}  // namespace

Safetensors Safetensors::read(const std::filesystem::path& file) {
  InputFile input(file, operation);
  return read(
      input.size(), [&](std::size_t count) { return input.read(count); }, file.string());
}

Safetensors Safetensors::read_newest(const std::filesystem::path& file) try {
  return read(file);
} catch (const std::runtime_error&) {
  const auto previous = previous_generation(file);
  if (!std::filesystem::exists(previous)) throw;
  return read(previous);
}

Safetensors Safetensors::parse(std::string_view content, const std::string& name) {
  const auto next = [&, rest = content](std::size_t count) mutable {
    const std::string bytes(rest.substr(0, count));
    rest.remove_prefix(count);
    return bytes;
  };
  return read(content.size(), next, name);
}

Safetensors Safetensors::read(std::size_t size, const std::function<std::string(std::size_t)>& next,
                              const std::string& name) try {
  if (size < 8)
    throw Invalid("file is " + std::to_string(size) +
                  " bytes long, the header's length alone takes 8; the file is cut short");
  Safetensors result;
  result.source_ = name;
  std::string header = next(header_length(next(8), size));
  const std::size_t data_size = size - 8 - header.size();
  detail::parse_header(header, result.metadata, result.entries_);
  header = {};

  // In the order of their data, the tensors must cover it from end to end.
  std::vector<std::pair<const std::string, Entry>*> order;
  for (auto& named : result.entries_) order.push_back(&named);
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return std::tie(a->second.begin, a->second.end) < std::tie(b->second.begin, b->second.end);
  });
  std::size_t covered = 0;
  for (const auto* named : order) {
    const std::size_t begin = named->second.begin;
    if (begin != covered)
      throw Invalid("tensor " + quote(named->first) + " begins at byte " + std::to_string(begin) +
                    " of the data, " + (begin < covered ? "overlapping" : "leaving a hole after") +
                    " the one before, which ends at " + std::to_string(covered) + "; its writer is at fault");
    covered = named->second.end;
  }
  if (covered != data_size)
    throw Invalid("data is " + std::to_string(data_size) + " bytes long, its tensors take " +
                  std::to_string(covered) + "; the file is " +
                  (data_size < covered ? "cut short" : "followed by something else"));
  for (auto* named : order) named->second.bytes = next(named->second.end - named->second.begin);
  return result;
} catch (const Invalid& error) {
  fail_file(operation, name, error.what());
}

void Safetensors::write(const std::filesystem::path& file, Replaced replaced) const {
  // Largest elements first, so that all are aligned.
  std::vector<const std::pair<const std::string, Entry>*> order;
  for (const auto& named : entries_) order.push_back(&named);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return element_size(a->second.dtype) > element_size(b->second.dtype);
  });

  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[detail::metadata_key] = metadata;
  std::size_t begin = 0;
  for (const auto* named : order) {
    const auto& [name, e] = *named;
    const std::size_t end = begin + e.bytes.size();
    header[name] = {{"dtype", e.dtype},
                    {"shape", std::vector<std::size_t>(e.shape.begin(), e.shape.end())},
                    {"data_offsets", {begin, end}}};
    begin = end;
  }

  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception&) {
    fail_file(operation, file, "a tensor's name or the metadata is no UTF-8; the format takes no other text");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  if (text.size() > max_header)
    fail_file(operation, file,
              "header of " + std::to_string(text.size()) + " bytes is over the limit of " +
                  std::to_string(max_header) + "; shorten metadata or names");
  const std::uint64_t length = text.size();
  std::string content;
  content.reserve(sizeof length + text.size() + begin);
  content.append(reinterpret_cast<const char*>(&length), sizeof length).append(text);
  for (const auto* named : order) content += named->second.bytes;
  write_atomically(file, content, operation, replaced);
}

template <class T> Tensor<T> Safetensors::get(const std::string& name) const {
  const Entry& e = entry(name);
  if (e.dtype == dtype_of<T>) return decode<T, T>(e.shape, e.bytes);
  if constexpr (std::is_floating_point_v<T>) {
    if (e.dtype == "F32") return decode<float, T>(e.shape, e.bytes);
    if (e.dtype == "F64") return decode<double, T>(e.shape, e.bytes);
    if (e.dtype == "F16" || e.dtype == "BF16") {
      const auto stored = decode<std::uint16_t, std::uint16_t>(e.shape, e.bytes);
      auto x = Tensor<T>::from_shape(e.shape);
      std::transform(stored.begin(), stored.end(), x.begin(), e.dtype == "F16" ? from_half : from_bfloat);
      return x;
    }
  }
  fail_file(operation, source_,
            "tensor " + quote(name) + " has dtype " + e.dtype + "; only " +
                (std::is_floating_point_v<T> ? "F16, BF16, F32 and F64"
                                             : dtype_of<T>)+" can be read as a Tensor of that type");
}

template <class T> void Safetensors::set(const std::string& name, const Tensor<T>& x) {
  if (name == detail::metadata_key)
    fail(operation, "no tensor may be named __metadata__; the format reserves that name");
  const char* bytes = reinterpret_cast<const char*>(x.data());
  entries_[name] = {dtype_of<T>, x.shape(), std::string(bytes, x.size() * sizeof(T))};
}

bool Safetensors::contains(const std::string& name) const { return entries_.contains(name); }

std::vector<std::string> Safetensors::names() const {
  std::vector<std::string> all;
  for (const auto& [name, entry] : entries_) all.push_back(name);
  return all;
}

const Shape& Safetensors::shape(const std::string& name) const { return entry(name).shape; }

const std::string& Safetensors::dtype(const std::string& name) const { return entry(name).dtype; }

void Safetensors::require_finite() const {
  for (const auto& [name, e] : entries_) {
    if (e.dtype != "F16" && e.dtype != "BF16" && e.dtype != "F32" && e.dtype != "F64") continue;
    const Tensor<double> x = get<double>(name);
    if (!std::all_of(x.begin(), x.end(), [](double v) { return std::isfinite(v); }))
      fail_file(operation, source_,
                "tensor " + quote(name) + " holds NaN or infinity; did the run that wrote it diverge?");
  }
}

const Safetensors::Entry& Safetensors::entry(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found != entries_.end()) return found->second;
  std::string known;
  for (const auto& [other, ignored] : entries_) known += (known.empty() ? "" : ", ") + quote(other);
  fail_file(operation, source_,
            "has no tensor " + quote(name) + "; it has " + (known.empty() ? "none" : known));
}

#define STRATA_INSTANTIATE(T)                                    \
  template Tensor<T> Safetensors::get(const std::string&) const; \
  template void Safetensors::set(const std::string&, const Tensor<T>&);
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)
STRATA_INSTANTIATE(std::uint8_t)
STRATA_INSTANTIATE(std::uint64_t)
STRATA_INSTANTIATE(std::int64_t)

}  // namespace strata
