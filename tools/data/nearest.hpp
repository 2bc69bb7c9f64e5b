// Names that were probably meant.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace strata::tools {

/// How many characters must be put in, left out, replaced or swapped with their neighbour to make b of a.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// Of the names the one that `word` is nearest to: one that begins with it, else the least edit distance, of
/// at most a third of the word; or nothing.
std::optional<std::string> nearest(const std::string& word, const std::vector<std::string>& names);

}  // namespace strata::tools
