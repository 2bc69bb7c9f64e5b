// Numbers as command lines and metadata write them.
#pragma once

#include <string>

namespace strata::tools {

/// Sets `value` if the number is all of the text, and finite: a count has no sign and no other base, and
/// there is no space. T is std::uint64_t or double.
template <class T> bool read_number(const std::string& text, T& value);

/// The shortest decimal number that reads back as x: "0.001".
std::string format_number(double x);

}  // namespace strata::tools
