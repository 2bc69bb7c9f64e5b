// Every parser on files made from good ones by a few mutations: a small sample of what libFuzzer does (preset
// fuzz), with any compiler.
#include "strata/tests/fuzz/parsers.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <random>

using namespace strata::fuzz;

namespace {

// One change of a file: a bit, a byte or a number of 4 bytes set, a part taken out, repeated or from another
// file.
void mutate(std::mt19937& random, const std::vector<std::string>& seeds, std::string& bytes) {
  const auto below = [&](std::size_t n) { return n == 0 ? 0 : random() % n; };
  const std::size_t at = below(bytes.size()), count = below(std::min<std::size_t>(bytes.size() - at, 16) + 1);
  switch (below(6)) {
    case 0:
      if (!bytes.empty()) bytes[at] = static_cast<char>(bytes[at] ^ 1 << below(8));
      break;
    case 1:
      if (!bytes.empty())
        bytes[at] =
            "\1\x7f\x80\xff\x1b"
            "0\"{[,:=-.\\"[below(16)];
      break;
    case 2:
      bytes.replace(at, std::min<std::size_t>(4, bytes.size() - at), std::string(4, "\0\x7f\xff"[below(3)]));
      break;
    case 3:
      bytes.erase(at, count);
      break;
    case 4:
      bytes.insert(at, bytes.substr(at, count));
      break;
    default: {
      const std::string& other = seeds[below(seeds.size())];
      bytes = bytes.substr(0, at) + other.substr(std::min(at, other.size()));
    }
  }
}

std::size_t peak_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::size_t>(usage.ru_maxrss) << 10;
}

}  // namespace

TEST_CASE("Parsers read or refuse whatever mutations make of good files, in memory near the file's size") {
  const char* asked_for = std::getenv("STRATA_FUZZ_FILES");
  const long files = asked_for == nullptr ? 20'000 : std::atol(asked_for);
  for (const Parser& parser : parsers()) {
    DYNAMIC_SECTION(parser.name) {
      std::mt19937 random(1);
      [[maybe_unused]] const std::size_t before = peak_bytes();
      std::size_t longest = 0;
      for (const std::string& seed : parser.seeds) CHECK_NOTHROW(run(parser, seed));
      for (long i = 0; i < files; ++i) {
        std::string bytes = parser.seeds[random() % parser.seeds.size()];
        for (std::size_t changes = 1 + random() % 4; changes > 0; --changes)
          mutate(random, parser.seeds, bytes);
        longest = std::max(longest, bytes.size());
        try {
          run(parser, bytes);
        } catch (...) {
          FAIL("file " << i << " is neither read nor refused as it should be");
        }
      }
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // whose allocators keep what is freed
      CHECK(peak_bytes() - before <= (std::size_t{64} << 20) + 4 * longest);
#endif
      if (asked_for != nullptr)
        WARN(parser.name << ": " << files << " files of up to " << longest << " bytes");
    }
  }
}
