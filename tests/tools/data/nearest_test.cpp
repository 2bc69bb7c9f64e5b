#include "strata/tools/data/nearest.hpp"

#include <catch2/catch.hpp>

using namespace strata::tools;

TEST_CASE("The edit distance counts insertions, omissions, replacements and swaps") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("abc", "abc") == 0);
  CHECK(edit_distance("abc", "abxc") == 1);
  CHECK(edit_distance("abc", "ac") == 1);
  CHECK(edit_distance("abc", "abd") == 1);
  CHECK(edit_distance("abc", "bac") == 1);
  CHECK(edit_distance("latnet", "latent") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("", "abc") == 3);
}

TEST_CASE("The nearest name begins with the word or differs in a third of it at most") {
  const std::vector<std::string> names = {"--hidden", "--latent", "--lr", "--epochs", "--upper-hidden"};
  CHECK(nearest("--latnt", names) == "--latent");
  CHECK(nearest("--laten", names) == "--latent");
  CHECK(nearest("--lat", names) == "--latent");
  CHECK(nearest("--epoch", names) == "--epochs");
  CHECK(nearest("--hiden", names) == "--hidden");
  CHECK(nearest("--frobnicate", names) == std::nullopt);
  CHECK(nearest("x", {}) == std::nullopt);
}
