#include "tools/command_line.hpp"

#include <array>
#include <charconv>
#include <exception>
#include <iostream>

namespace strata::tools {

int run_program(CLI::App& app, int argc, char** argv, const std::function<void()>& program) {
  const std::string name = std::filesystem::path(argv[0]).filename();
  try {
    app.parse(argc, argv);
    program();
    return 0;
  } catch (const CLI::Success& asked_for_help) {
    return app.exit(asked_for_help);
  } catch (const CLI::ParseError& error) {
    std::cerr << name << ": " << error.what() << " (see " << name << " --help)\n";
  } catch (const std::exception& error) {
    std::cerr << name << ": " << error.what() << "\n";
  }
  return 2;
}

std::string format_number(double x) {
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), x).ptr;
  return std::string(text.data(), end);
}

}  // namespace strata::tools
