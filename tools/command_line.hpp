// What all programs do with their command line and their errors.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "tools/mnist.hpp"

namespace strata::tools {

/// Where a program finds its data.
struct DataOptions {
  std::string data;
  bool no_download = false;
};

/// --data and --no-download.
void add_data_options(CLI::App& app, DataOptions& options);

/// The data that they name; downloads are reported on the standard error stream.
Mnist load(const DataOptions& options);

/// Parses the command line and runs the program. An error of either is one line on the standard error stream,
/// and exit status 2; 0 otherwise.
int run_program(CLI::App& app, int argc, char** argv, const std::function<void()>& program);

/// The shortest decimal number that reads back as x: "0.001".
std::string format_number(double x);

}  // namespace strata::tools
