// The parsers of files that may be anything, for whoever makes such files: a test's mutations, and libFuzzer.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace strata::fuzz {

struct Parser {
  std::string name;
  std::vector<std::string> seeds;  ///< good files from which others are made

  /// Reads a file of these bytes, or throws std::exception, on one line that commands no terminal. What it
  /// took and what it gives back agree, or it throws Disagreement.
  std::function<void(const std::string& bytes)> read;
};

struct Disagreement {};

/// IDX, gzip around IDX, NumPy, PNG, safetensors, a checkpoint, and the metadata of a run as lines
/// "key=value".
std::vector<Parser> parsers();

/// Lets a parser read the bytes. Throws Disagreement also for an error of another form than said above.
void run(const Parser& parser, const std::string& bytes);

}  // namespace strata::fuzz
