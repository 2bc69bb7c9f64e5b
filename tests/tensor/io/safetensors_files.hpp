// Safetensors files for tests, byte by byte.
#pragma once

#include <string>
#include <vector>

namespace strata {

// A file of this header, as it stands, and `data_size` bytes 0, 1, 2 ...
inline std::string file_of(const std::string& header, std::size_t data_size = 0) {
  std::string content(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) content[i] = static_cast<char>(header.size() >> (8 * i));
  content += header;
  for (std::size_t i = 0; i < data_size; ++i) content += static_cast<char>(i);
  return content;
}

// One entry, named a.
inline std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"a":{"dtype":)" + dtype + R"(,"shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
}

// Entries of one byte each, named a, b ..., with these offsets.
inline std::string bytes_at(const std::vector<std::string>& offsets) {
  std::string header;
  for (char name = 'a'; const std::string& range : offsets)
    header += (header.empty() ? "{\"" : ",\"") + std::string(1, name++) +
              R"(":{"dtype":"U8","shape":[2],"data_offsets":)" + range + "}";
  return header + "}";
}

}  // namespace strata
