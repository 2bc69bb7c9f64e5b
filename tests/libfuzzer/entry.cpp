// libFuzzer's view of one parser, by its place in parsers(). An empty folder given for the corpus is filled
// with the parser's seeds.
#include <cstdint>
#include <filesystem>
#include <fstream>

#include "strata/tests/fuzz/parsers.hpp"

namespace {

const strata::fuzz::Parser& parser() {
  static const strata::fuzz::Parser chosen = strata::fuzz::parsers().at(STRATA_PARSER);
  return chosen;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  for (int i = 1; i < *argc; ++i) {
    const std::filesystem::path corpus = (*argv)[i];
    if (!std::filesystem::is_directory(corpus) || !std::filesystem::is_empty(corpus)) continue;
    for (std::size_t s = 0; s < parser().seeds.size(); ++s)
      std::ofstream(corpus / ("seed" + std::to_string(s)), std::ios::binary) << parser().seeds[s];
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  strata::fuzz::run(parser(), {reinterpret_cast<const char*>(data), size});
  return 0;
}
