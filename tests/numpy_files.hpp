// NumPy files for tests, byte by byte.
#pragma once

#include <zlib.h>

#include <string>
#include <utility>
#include <vector>

namespace strata {

/// A .npy file: `type` as "<f4", `shape` as "(2, 3)".
inline std::string npy(const std::string& type, const std::string& shape, const std::string& data,
                       const char* fortran = "False") {
  std::string header =
      "{'descr': '" + type + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }";
  header += std::string(63 - (header.size() + 10) % 64, ' ') + "\n";
  return std::string("\x93NUMPY\1\0", 8) + static_cast<char>(header.size()) +
         static_cast<char>(header.size() >> 8) + header + data;
}

/// A .npz file of these members, deflated or stored.
inline std::string npz(const std::vector<std::pair<std::string, std::string>>& members,
                       bool deflated = true) {
  const auto number = [](std::size_t value, int bytes) {
    std::string text;
    for (int i = 0; i < bytes; ++i, value >>= 8) text += static_cast<char>(value);
    return text;
  };
  std::string file, list;
  for (const auto& [name, content] : members) {
    std::string body = content;
    if (deflated) {
      z_stream stream{};
      deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
      body.resize(deflateBound(&stream, static_cast<uLong>(content.size())));
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
      stream.avail_in = static_cast<uInt>(content.size());
      stream.next_out = reinterpret_cast<Bytef*>(body.data());
      stream.avail_out = static_cast<uInt>(body.size());
      deflate(&stream, Z_FINISH);
      body.resize(stream.total_out);
      deflateEnd(&stream);
    }
    const std::size_t checksum =
        crc32(0, reinterpret_cast<const Bytef*>(content.data()), static_cast<uInt>(content.size()));
    const std::string described = number(20, 2) + number(0, 2) + number(deflated ? 8 : 0, 2) + number(0, 4) +
                                  number(checksum, 4) + number(body.size(), 4) + number(content.size(), 4) +
                                  number(name.size(), 2) + number(0, 2);
    list += "PK\1\2" + number(20, 2) + described + number(0, 10) + number(file.size(), 4) + name;
    file += "PK\3\4" + described + name + body;
  }
  return file + list + "PK\5\6" + number(0, 4) + number(members.size(), 2) + number(members.size(), 2) +
         number(list.size(), 4) + number(file.size(), 4) + number(0, 2);
}

}  // namespace strata
