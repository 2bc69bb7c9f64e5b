// The header of a safetensors file, as safetensors.cpp reads it.
#pragma once

#include <optional>
#include <stdexcept>

#include "strata/tensor/io/safetensors.hpp"

namespace strata::detail {

inline constexpr const char* metadata_key = "__metadata__";

/// What is wrong with a file's content, without its name.
struct Invalid : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The text in quotation marks.
std::string quote(const std::string& text);

/// The bytes of an element of a type, as the format calls it; nothing for an unknown one.
std::optional<std::size_t> element_size(const std::string& dtype);

/// Adds what the header describes: metadata, and tensors without their bytes, each as long as its shape is.
/// Throws Invalid for what is no header; whether the tensors tile the data is another question.
void parse_header(std::string_view header, std::map<std::string, std::string>& metadata,
                  std::map<std::string, StoredTensor>& tensors);

}  // namespace strata::detail
