#include "strata/tools/run/command_line.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <exception>
#include <iostream>
#include <string_view>

#include "strata/tensor/io/file.hpp"
#include "strata/tensor/large_pages.hpp"
#include "strata/tensor/parallel.hpp"
#include "strata/tools/run/numbers.hpp"

namespace strata::tools {
namespace {

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // which are not ready so early
// OpenBLAS takes a buffer for each of its threads when it is loaded, and where a limit on memory leaves no
// room it tries for ever: looked at before any library starts.
void require_blas_buffers(int, char**, char** environment) {
  constexpr std::size_t buffer = std::size_t{128} << 20;
  cpu_set_t processors;
  std::size_t threads =
      sched_getaffinity(0, sizeof processors, &processors) == 0 ? CPU_COUNT(&processors) : 1;
  for (; *environment != nullptr; ++environment) {
    const std::string_view setting = *environment;
    for (const std::string_view name : {"OMP_NUM_THREADS=", "OPENBLAS_NUM_THREADS="}) {
      std::size_t count = 0;
      if (setting.starts_with(name) &&
          std::from_chars(setting.data() + name.size(), setting.data() + setting.size(), count).ec ==
              std::errc() &&
          count > 0)
        threads = std::min(threads, count);
    }
  }
  void* const room = mmap(nullptr, threads * buffer, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (room != MAP_FAILED) {
    munmap(room, threads * buffer);
    return;
  }
  constexpr std::string_view complaint =
      "OpenBLAS needs 128 MiB a thread to start, more than the limit on memory leaves; raise it (ulimit -v) "
      "or set OMP_NUM_THREADS\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, complaint.data(), complaint.size());
  _exit(2);
}
[[gnu::section(".preinit_array"), gnu::used]] void (*const before_libraries)(int, char**,
                                                                             char**) = require_blas_buffers;
#endif

// Else the first files that are opened would take the numbers of the standard streams that are closed.
void open_standard_streams() {
  for (int fd = 0; fd <= 2; ++fd)
    if (fcntl(fd, F_GETFD) == -1) (void)open("/dev/null", O_RDWR);
}

}  // namespace

const CLI::Validator whole_number(
    [](std::string& text) {
      std::uint64_t value = 0;
      if (!read_number(text, value)) return "'" + text + "' is no whole number";
      text = std::to_string(value);  // CLI11 would read leading zeros as octal
      return std::string();
    },
    "UINT");
const CLI::Validator not_empty([](std::string& text) { return text.empty() ? "it is empty" : ""; }, "");

void add_data_options(CLI::App& app, DataOptions& options) {
  app.add_option("--data", options.data,
                 "folder with the four IDX files; else STRATA_MNIST_DIR, data/mnist, or a download")
      ->check(not_empty);
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
  std::string complaint;
  int status = 2;
  try {
    app.parse(argc, argv);
    program();
    std::cout.flush();
    if (!std::cout) throw WriteFailure("cannot write to the standard output; is the disk full?");
    return 0;
  } catch (const CLI::Success& asked_for_help) {
    return app.exit(asked_for_help);
  } catch (const CLI::ParseError& error) {
    complaint = std::string(error.what()) + " (see " + name + " --help)";
  } catch (const WriteFailure& error) {
    status = 1;
    complaint = error.what();
  } catch (const std::bad_alloc&) {
    complaint = "out of memory; a smaller model or batch needs less";
  } catch (const std::filesystem::filesystem_error& error) {
    complaint =
        error.path1().string() + ": " + error.code().message() + "; check the path and its permissions";
  } catch (const std::exception& error) {
    complaint = error.what();
  }
  std::cerr << name << ": " << printable(complaint) << "\n";
  return status;
}

}  // namespace strata::tools
