#include "strata/tensor/io/safetensors_header.hpp"

#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "strata/tensor/io/file.hpp"

namespace strata::detail {
namespace {

using nlohmann::json;

// Fills in tensors and metadata as the parser comes upon them. What has no place in a header is refused where
// it stands, so that nothing is kept of it, and no key may come twice.
class HeaderReader : public json::json_sax_t {
 public:
  HeaderReader(std::map<std::string, std::string>& metadata, std::map<std::string, StoredTensor>& tensors)
      : metadata_(metadata), tensors_(tensors) {}

  bool null() override { misplaced(); }
  bool boolean(bool) override { misplaced(); }
  bool number_integer(number_integer_t) override { misplaced(); }
  bool number_float(number_float_t, const string_t&) override { misplaced(); }
  bool binary(binary_t&) override { misplaced(); }

  bool number_unsigned(number_unsigned_t number) override {
    constexpr std::size_t most_axes = 64;
    if (!in_list_) misplaced();
    if (list_.size() == most_axes) throw Invalid(tensor() + " has more than 64 axes; the file is corrupt");
    list_.push_back(number);
    return true;
  }

  bool string(string_t& text) override {
    if (depth_ == 2 && in_metadata_)
      metadata_[key_] = std::move(text);
    else if (depth_ == 2 && key_ == "dtype" && !in_list_)
      entry_->second.dtype = std::move(text);
    else
      misplaced();
    return true;
  }

  bool start_object(std::size_t) override {
    if (depth_ == 2 || in_list_) misplaced();
    ++depth_;
    return true;
  }

  bool key(string_t& text) override {
    constexpr std::size_t most_metadata = 100'000;
    key_ = std::move(text);
    if (depth_ == 1) {
      in_metadata_ = key_ == metadata_key;
      fields_.clear();
      if (!(in_metadata_ ? !std::exchange(metadata_seen_, true) : add_entry())) twice();
    } else if (in_metadata_) {
      if (metadata_.size() == most_metadata)
        throw Invalid("__metadata__ has more than 100,000 entries; it is meant for a few");
      if (!metadata_.try_emplace(key_).second) twice();
    } else if (!fields_.insert(key_).second) {
      twice();
    } else if (key_ != "dtype" && key_ != "shape" && key_ != "data_offsets") {
      incomplete();
    }
    return true;
  }

  bool end_object() override {
    if (--depth_ == 1 && !in_metadata_) finish_entry();
    return true;
  }

  bool start_array(std::size_t) override {
    if (depth_ != 2 || in_metadata_ || in_list_ || key_ == "dtype") misplaced();
    in_list_ = true;
    list_.clear();
    return true;
  }

  bool end_array() override {
    in_list_ = false;
    StoredTensor& e = entry_->second;
    if (key_ == "shape")
      e.shape.assign(list_.begin(), list_.end());
    else if (list_.size() == 2)
      e.begin = list_[0], e.end = list_[1];
    else
      misplaced();
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const json::exception& error) override {
    if (dynamic_cast<const json::parse_error*>(&error) == nullptr)
      throw Invalid("header holds a number out of range; the file is corrupt");
    throw Invalid("header is no valid JSON from its byte " + std::to_string(position) +
                  " on; the file is corrupt");
  }

 private:
  std::string tensor() const { return "tensor " + quote(entry_->first); }

  bool add_entry() {
    const auto [place, added] = tensors_.try_emplace(key_);
    entry_ = place;
    return added;
  }

  [[noreturn]] void twice() const {
    throw Invalid("header has the key " + quote(key_) + " twice; its writer is at fault");
  }
  [[noreturn]] void incomplete() const {
    throw Invalid(tensor() +
                  " is described otherwise than by dtype, shape and data_offsets; the file is corrupt");
  }

  // A value of another type than its place has.
  [[noreturn]] void misplaced() const {
    if (depth_ == 0) throw Invalid("header is no JSON object; the file is corrupt");
    if (in_metadata_)
      throw Invalid(depth_ == 1 ? "__metadata__ is no object; it must map strings to strings"
                                : "__metadata__ " + quote(key_) + " is no string; write numbers as text");
    if (depth_ == 1) incomplete();
    throw Invalid(tensor() +
                  (key_ == "dtype"   ? " has a dtype that is no string"
                   : key_ == "shape" ? " has a shape that is no list of non-negative integers"
                                     : " has data_offsets that are no two non-negative integers") +
                  "; the file is corrupt");
  }

  // The entry's size must be that of its shape.
  void finish_entry() const {
    const StoredTensor& e = entry_->second;
    if (fields_.size() != 3) incomplete();
    const auto size = element_size(e.dtype);
    if (!size)
      throw Invalid(tensor() + " has the unknown dtype " + quote(e.dtype) + "; the file is corrupt or newer");
    const auto bytes = byte_count(e.shape, *size);
    if (!bytes)
      throw Invalid(tensor() + " has a shape that overflows, " + to_string(e.shape) +
                    "; the file is corrupt");
    if (e.begin > e.end || e.end - e.begin != *bytes)
      throw Invalid(tensor() + " takes " + std::to_string(*bytes) + " bytes as " + e.dtype + " " +
                    to_string(e.shape) + ", its data_offsets are [" + std::to_string(e.begin) + ", " +
                    std::to_string(e.end) + "); the file is corrupt");
  }

  std::map<std::string, std::string>& metadata_;
  std::map<std::string, StoredTensor>& tensors_;
  int depth_ = 0;  // 1 in the header, 2 in a tensor's description or the metadata
  bool in_metadata_ = false, metadata_seen_ = false, in_list_ = false;
  std::map<std::string, StoredTensor>::iterator entry_;  // of the tensor being described
  std::set<std::string> fields_;                         // of it so far
  std::string key_;                                      // the last one, at any depth
  std::vector<std::size_t> list_;
};

}  // namespace

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

void parse_header(std::string_view header, std::map<std::string, std::string>& metadata,
                  std::map<std::string, StoredTensor>& tensors) {
  if (!header.starts_with('{'))
    throw Invalid("header does not begin with '{'; this is probably no safetensors file");
  // The parser takes a zero byte for the end of its input.
  if (const auto zero = header.find('\0'); zero != header.npos)
    throw Invalid("header holds a zero byte at " + std::to_string(zero) + "; the file is corrupt");
  HeaderReader reader(metadata, tensors);
  json::sax_parse(header, &reader);
}

}  // namespace strata::detail
