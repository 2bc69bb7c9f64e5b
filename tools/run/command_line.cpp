#include "strata/tools/run/command_line.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <exception>
#include <iostream>

#include "strata/tensor/io/file.hpp"
#include "strata/tensor/large_pages.hpp"
#include "strata/tensor/parallel.hpp"

namespace strata::tools {

namespace {

template <class T> std::string check_number(std::string& text, const char* kind) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || !std::isfinite(static_cast<double>(value))) return "'" + text + "' is no " + kind;
  if constexpr (std::is_integral_v<T>)
    text = std::to_string(value);  // CLI11 would read leading zeros as octal
  return "";
}

// Else the first files that are opened would take the numbers of the standard streams that are closed.
void open_standard_streams() {
  for (int fd = 0; fd <= 2; ++fd)
    if (fcntl(fd, F_GETFD) == -1) (void)open("/dev/null", O_RDWR);
}

}  // namespace

const CLI::Validator whole_number(
    [](std::string& text) { return check_number<std::uint64_t>(text, "whole number"); }, "UINT");
const CLI::Validator finite_number(
    [](std::string& text) { return check_number<double>(text, "finite number"); }, "NUMBER");

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

void use_threads(std::size_t count) {
  if (count < 1 || count > 1024) fail("threads", std::to_string(count) + " is not between 1 and 1024");
  set_thread_count(count);
}

int run_program(CLI::App& app, int argc, char** argv, const std::function<void()>& program) {
  open_standard_streams();
  use_large_pages();
  const std::string name = std::filesystem::path(argv[0]).filename();
  app.get_formatter()->column_width(44);  // one line for each option
  try {
    app.parse(argc, argv);
    program();
    std::cout.flush();
    if (!std::cout) throw WriteFailure("cannot write to the standard output; is the disk full?");
    return 0;
  } catch (const CLI::Success& asked_for_help) {
    return app.exit(asked_for_help);
  } catch (const CLI::ParseError& error) {
    std::cerr << name << ": " << error.what() << " (see " << name << " --help)\n";
  } catch (const WriteFailure& error) {
    std::cerr << name << ": " << error.what() << "\n";
    return 1;
  } catch (const std::bad_alloc&) {
    std::cerr << name << ": out of memory; a smaller model or batch needs less\n";
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
