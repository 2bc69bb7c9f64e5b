#include "strata/tools/run/numbers.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace strata::tools {

template <class T> bool read_number(const std::string& text, T& value) {
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, value);
  return error == std::errc() && end == last && std::isfinite(static_cast<double>(value));
}
template bool read_number(const std::string&, std::uint64_t&);
template bool read_number(const std::string&, double&);

std::string format_number(double x) {
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), x).ptr;
  return std::string(text.data(), end);
}

}  // namespace strata::tools
