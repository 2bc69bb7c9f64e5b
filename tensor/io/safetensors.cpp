#include "strata/tensor/io/safetensors.hpp"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <stdexcept>
#include <tuple>

namespace strata {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "tensors are copied to and from files as they are");

constexpr const char* operation = "safetensors";
constexpr const char* metadata_key = "__metadata__";
constexpr std::size_t max_header = 100'000'000;

// What is wrong with a file's content; parse adds the file's name.
struct Invalid : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// A tensor as the header describes it: its bytes are [begin, end) of the data.
struct Description {
  std::string name;
  std::string dtype;
  Shape shape;
  std::size_t begin;
  std::size_t end;
};

std::string quote(const std::string& text) { return '"' + text + '"'; }

std::optional<std::size_t> element_size(const std::string& dtype) {
  static const std::map<std::string, std::size_t> sizes = {
      {"BOOL", 1},    {"U8", 1},          {"I8", 1},          {"F8_E4M3", 1}, {"F8_E5M2", 1},
      {"F8_E8M0", 1}, {"F8_E4M3FNUZ", 1}, {"F8_E5M2FNUZ", 1}, {"U16", 2},     {"I16", 2},
      {"F16", 2},     {"BF16", 2},        {"U32", 4},         {"I32", 4},     {"F32", 4},
      {"U64", 8},     {"I64", 8},         {"F64", 8},         {"C64", 8}};
  const auto found = sizes.find(dtype);
  return found == sizes.end() ? std::nullopt : std::optional(found->second);
}

// The file's first 8 bytes say how many the header takes.
std::string_view header_of(std::string_view content) {
  if (content.size() < 8)
    throw Invalid("file is " + std::to_string(content.size()) +
                  " bytes long, the header's length alone takes 8; the file is cut short");
  std::uint64_t length = 0;
  std::copy_n(content.data(), sizeof length, reinterpret_cast<char*>(&length));
  if (length > max_header)
    throw Invalid("header length " + std::to_string(length) + " is over the limit of " +
                  std::to_string(max_header) + " bytes; this is probably no safetensors file");
  if (length > content.size() - 8)
    throw Invalid("file is " + std::to_string(content.size()) + " bytes long, its header alone takes 8 + " +
                  std::to_string(length) + "; the file is cut short");
  const std::string_view header = content.substr(8, length);
  if (!header.starts_with('{'))
    throw Invalid("header does not begin with '{'; this is probably no safetensors file");
  return header;
}

// The header as JSON, without duplicate keys.
json parse_header(std::string_view header) {
  // The parser takes a zero byte for the end of its input.
  if (const auto zero = header.find('\0'); zero != header.npos)
    throw Invalid("header holds a zero byte at " + std::to_string(zero) + "; the file is corrupt");
  std::vector<std::set<std::string>> open_objects;  // their keys so far
  const auto check = [&](int depth, json::parse_event_t event, json& value) {
    if (event == json::parse_event_t::object_start) {
      if (depth > 1) throw Invalid("header nests objects more than 2 deep; the file is corrupt");
      open_objects.emplace_back();
    } else if (event == json::parse_event_t::object_end) {
      open_objects.pop_back();
    } else if (event == json::parse_event_t::array_start && depth > 2) {
      throw Invalid("header nests arrays; the file is corrupt");
    } else if (event == json::parse_event_t::key &&
               !open_objects.back().insert(value.get<std::string>()).second) {
      throw Invalid("header has the key " + quote(value.get<std::string>()) +
                    " twice; its writer is at fault");
    }
    return true;
  };
  try {
    return json::parse(header, check);
  } catch (const json::parse_error& error) {
    throw Invalid("header is no valid JSON from its byte " + std::to_string(error.byte) +
                  " on; the file is corrupt");
  } catch (const json::exception&) {
    throw Invalid("header holds a number out of range; the file is corrupt");
  }
}

std::map<std::string, std::string> read_metadata(const json& value) {
  if (!value.is_object()) throw Invalid("__metadata__ is no object; it must map strings to strings");
  std::map<std::string, std::string> metadata;
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string())
      throw Invalid("__metadata__ " + quote(key) + " is no string; write numbers as text");
    metadata[key] = text.get<std::string>();
  }
  return metadata;
}

Description describe(const std::string& name, const json& value) {
  const std::string tensor = "tensor " + quote(name);
  const bool complete = value.is_object() && value.size() == 3 && value.contains("dtype") &&
                        value.contains("shape") && value.contains("data_offsets");
  if (!complete)
    throw Invalid(tensor +
                  " is described otherwise than by dtype, shape and data_offsets; the file is corrupt");
  const auto is_size = [](const json& number) { return number.is_number_unsigned(); };
  const json &dtype = value["dtype"], &shape = value["shape"], &offsets = value["data_offsets"];
  if (!dtype.is_string()) throw Invalid(tensor + " has a dtype that is no string; the file is corrupt");
  if (!shape.is_array() || !std::all_of(shape.begin(), shape.end(), is_size))
    throw Invalid(tensor + " has a shape that is no list of non-negative integers; the file is corrupt");
  if (!offsets.is_array() || offsets.size() != 2 || !std::all_of(offsets.begin(), offsets.end(), is_size))
    throw Invalid(tensor + " has data_offsets that are no two non-negative integers; the file is corrupt");

  Description d{name, dtype.get<std::string>(), Shape(shape.size()), offsets[0].get<std::size_t>(),
                offsets[1].get<std::size_t>()};
  std::transform(shape.begin(), shape.end(), d.shape.begin(),
                 [](const json& size) { return size.get<std::size_t>(); });
  const auto size = element_size(d.dtype);
  if (!size)
    throw Invalid(tensor + " has the unknown dtype " + quote(d.dtype) + "; the file is corrupt or newer");
  const auto bytes = byte_count(d.shape, *size);
  if (!bytes)
    throw Invalid(tensor + " has a shape that overflows, " + to_string(d.shape) + "; the file is corrupt");
  const std::string range = "[" + std::to_string(d.begin) + ", " + std::to_string(d.end) + ")";
  if (d.begin > d.end || d.end - d.begin != *bytes)
    throw Invalid(tensor + " takes " + std::to_string(*bytes) + " bytes as " + d.dtype + " " +
                  to_string(d.shape) + ", its data_offsets are " + range + "; the file is corrupt");
  return d;
}

// In the order of their data, the tensors must cover it from end to end.
void check_tiling(std::vector<Description>& tensors, std::size_t data_size) {
  std::sort(tensors.begin(), tensors.end(), [](const Description& a, const Description& b) {
    return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
  });
  std::size_t covered = 0;
  for (const Description& d : tensors) {
    if (d.begin != covered)
      throw Invalid("tensor " + quote(d.name) + " begins at byte " + std::to_string(d.begin) +
                    " of the data, " + (d.begin < covered ? "overlapping" : "leaving a hole after") +
                    " the one before, which ends at " + std::to_string(covered) + "; its writer is at fault");
    covered = d.end;
  }
  if (covered != data_size)
    throw Invalid("data is " + std::to_string(data_size) + " bytes long, its tensors take " +
                  std::to_string(covered) + "; the file is " +
                  (data_size < covered ? "cut short" : "followed by something else"));
}

template <class T> constexpr const char* dtype_of = nullptr;
template <> constexpr const char* dtype_of<float> = "F32";
template <> constexpr const char* dtype_of<double> = "F64";
template <> constexpr const char* dtype_of<std::uint8_t> = "U8";
template <> constexpr const char* dtype_of<std::uint64_t> = "U64";
template <> constexpr const char* dtype_of<std::int64_t> = "I64";

template <class Stored, class T> Tensor<T> decode(const Shape& shape, const std::string& bytes) {
  Tensor<Stored> x = Tensor<Stored>::from_shape(shape);
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(x.data()));
  return xt::cast<T>(x);
}

}  // namespace

Safetensors Safetensors::read(const std::filesystem::path& file) {
  return parse(read_file(file, operation), file.string());
}

Safetensors Safetensors::read_newest(const std::filesystem::path& file) try {
  return read(file);
} catch (const std::runtime_error&) {
  const auto previous = previous_generation(file);
  if (!std::filesystem::exists(previous)) throw;
  return read(previous);
}

Safetensors Safetensors::parse(std::string_view content, const std::string& name) try {
  Safetensors result;
  result.source_ = name;
  const std::string_view header = header_of(content);
  const std::string_view data = content.substr(8 + header.size());

  const json descriptions = parse_header(header);
  std::vector<Description> tensors;
  for (const auto& [key, value] : descriptions.items()) {
    if (key == metadata_key)
      result.metadata = read_metadata(value);
    else
      tensors.push_back(describe(key, value));
  }
  check_tiling(tensors, data.size());
  for (const Description& d : tensors)
    result.entries_[d.name] = {d.dtype, d.shape, std::string(data.substr(d.begin, d.end - d.begin))};
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
  if (!metadata.empty()) header[metadata_key] = metadata;
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
  } catch (const json::exception&) {
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
  if constexpr (std::is_same_v<T, float>)
    if (e.dtype == "F64") return decode<double, float>(e.shape, e.bytes);
  if constexpr (std::is_same_v<T, double>)
    if (e.dtype == "F32") return decode<float, double>(e.shape, e.bytes);
  fail_file(operation, source_,
            "tensor " + quote(name) + " has dtype " + e.dtype + "; only " +
                (std::is_floating_point_v<T> ? "F32 and F64"
                                             : dtype_of<T>)+" can be read as a Tensor of that type");
}

template <class T> void Safetensors::set(const std::string& name, const Tensor<T>& x) {
  if (name == metadata_key)
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
