// What all programs do with their command line and their errors.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "strata/tools/data/find_data.hpp"
#include "strata/tools/run/job.hpp"

namespace strata::tools {

/// Where a program finds its data.
struct DataOptions {
  std::string data;
  bool no_download = false;
};

/// --data and --no-download.
void add_data_options(CLI::App& app, DataOptions& options);

/// The data that they name; downloads are reported on the standard error stream. Of a group's processes the
/// first looks for them before the others.
ImageData load(const DataOptions& options, Group* group = nullptr);

/// Sets the number of threads. Throws unless it is between 1 and 1024.
void use_threads(std::size_t count);

/// Parses the command line and runs the program, which is given the group that shares its work, or nullptr;
/// standard streams that are closed being opened on /dev/null.
/// Every program also has --config, which reads options from a TOML file (lists as such or as "500,300", the
/// command line comes first), and --dump-config, which prints such a file and does nothing else. An option
/// that is unknown is told with the name that was probably meant. An error is one line on the standard error
/// stream and exit status 2, or 1 where something could not be written; 0 otherwise.
int run_program(CLI::App& app, int argc, char** argv, const std::function<void(Group*)>& program);

/// Checks of an option's text, to be given to its `transform` or `check`.
extern const CLI::Validator whole_number;  ///< 0, 1, 2 ... that 64 bits hold
extern const CLI::Validator not_empty;     ///< of a path: an empty one is a forgotten one

}  // namespace strata::tools
