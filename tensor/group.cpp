#include "strata/tensor/group.hpp"

#include <algorithm>
#include <vector>

namespace strata {

Share share_of(const Group* group, std::size_t rows) {
  if (group == nullptr) return {{0, rows, rows}, 1};
  const std::size_t rank = group->rank(), size = group->size();
  if (rows < size) return {{0, rows, rows}, 1 / static_cast<double>(size)};
  const std::size_t first = rows * rank / size, count = rows * (rank + 1) / size - first;
  return {{first, count, rows}, static_cast<double>(count) / static_cast<double>(rows)};
}

std::string first_text(Group& group, const std::string& own) {
  std::vector<float> lengths(group.size());
  lengths[group.rank()] = static_cast<float>(own.size());
  group.sum(lengths);
  const auto first = std::find_if(lengths.begin(), lengths.end(), [](float length) { return length > 0; });
  if (first == lengths.end()) return "";
  std::vector<float> letters(static_cast<std::size_t>(*first));
  if (first == lengths.begin() + static_cast<std::ptrdiff_t>(group.rank()))
    std::transform(own.begin(), own.end(), letters.begin(), [](char c) { return static_cast<float>(c); });
  group.sum(letters);
  std::string text;
  for (const float letter : letters) text += static_cast<char>(letter);
  return text;
}

}  // namespace strata
