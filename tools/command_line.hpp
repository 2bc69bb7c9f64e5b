// What all programs do with their command line and their errors.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

namespace strata::tools {

/// Parses the command line and runs the program. An error of either is one line on the standard error stream,
/// and exit status 2; 0 otherwise.
int run_program(CLI::App& app, int argc, char** argv, const std::function<void()>& program);

/// The shortest decimal number that reads back as x: "0.001".
std::string format_number(double x);

}  // namespace strata::tools
