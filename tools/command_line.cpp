#include "tools/command_line.hpp"

#include <array>
#include <charconv>
#include <exception>
#include <iostream>

namespace strata::tools {

void add_data_options(CLI::App& app, DataOptions& options) {
  app.add_option("--data", options.data,
                 "folder with the four IDX files; else STRATA_MNIST_DIR, data/mnist, or a download");
  app.add_flag("--no-download", options.no_download, "never download the data");
}

Mnist load(const DataOptions& options) {
  MnistOptions mnist{.download = !options.no_download, .source = {.log = &std::cerr}};
  if (!options.data.empty()) mnist.data = options.data;
  return load_mnist(mnist);
}

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
