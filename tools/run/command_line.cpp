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
#include <memory>
#include <set>
#include <sstream>
#include <string_view>

#include "strata/tensor/io/file.hpp"
#include "strata/tensor/large_pages.hpp"
#include "strata/tensor/parallel.hpp"
#include "strata/tools/data/nearest.hpp"
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

// TOML as CLI11 reads it, where names may have underscores and lists are what the options take; nothing is
// said twice.
class Config : public CLI::ConfigTOML {
 public:
  std::vector<CLI::ConfigItem> from_config(std::istream& in) const override {
    std::stringstream text;
    text << in.rdbuf();
    std::set<std::string> names;
    for (std::string line; std::getline(text, line);) {
      const std::string name = option_of(CLI::detail::trim_copy(line.substr(0, line.find('='))));
      if (line.find('=') != std::string::npos && !name.starts_with('#') && !names.insert(name).second)
        throw CLI::ConfigError("--" + name + " is given twice in the configuration");
    }
    text.clear();
    text.seekg(0);
    auto items = CLI::ConfigTOML::from_config(text);
    for (CLI::ConfigItem& item : items) {
      if (!item.parents.empty())
        throw CLI::ConfigError("a configuration has no sections such as [" + item.parents[0] + "]");
      item.name = option_of(item.name);
      if (item.inputs.size() > 1) item.inputs = {CLI::detail::join(item.inputs, ",")};
    }
    return items;
  }

  // Without what is not set: an empty value would be one.
  std::string to_config(const CLI::App* app, bool defaults, bool descriptions,
                        std::string prefix) const override {
    std::istringstream all(CLI::ConfigTOML::to_config(app, defaults, descriptions, std::move(prefix)));
    std::string text;
    for (std::string line; std::getline(all, line);)
      if (!line.ends_with("=\"\"")) text += line + "\n";
    return text;
  }

 private:
  static std::string option_of(std::string name) {
    std::replace(name.begin(), name.end(), '_', '-');
    return name;
  }
};

// The complaint about an option that there is not: the first of what was left over.
std::string unexpected(const CLI::App& app, const std::string& left) {
  std::vector<std::string> options;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) options.push_back("--" + name);
  const std::string word = left.substr(0, left.find('='));
  const auto meant = word.starts_with("-") ? nearest(word, options) : std::nullopt;
  return (word.starts_with("-") ? "there is no option " : "there is no place for ") + word +
         (meant ? "; did you mean " + *meant + "?" : "");
}

// CLI11's words for what is given too often.
std::string complaint_of(const CLI::App& app, const CLI::ParseError& error) {
  const auto* extras = dynamic_cast<const CLI::ExtrasError*>(&error);
  if (extras != nullptr && !app.remaining().empty()) return unexpected(app, app.remaining()[0]);
  const std::string text = error.what(), in_file = "INI was not able to parse ",
                    often = ": At Most 1 required but received ";
  if (const auto at = text.find(often); at != std::string::npos)
    return text.substr(0, at) + " is given " + text.substr(at + often.size()) + " times";
  if (text.starts_with(in_file)) return unexpected(app, "--" + text.substr(in_file.size()));
  return text;
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
                 "folder of IDX or PNG files, or a .npy or .npz file; else STRATA_MNIST_DIR, MNIST")
      ->check(not_empty);
  app.add_flag("--no-download", options.no_download, "never download the data");
}

ImageData load(const DataOptions& options, Group* group) {
  DataSearch search{.download = !options.no_download, .source = {.log = &std::cerr}};
  if (!options.data.empty()) search.data = options.data;
  std::optional<ImageData> data;
  in_first(group, [&] { data = find_data(search); });
  return data ? *std::move(data) : find_data(search);
}

void use_threads(std::size_t count) {
  if (count < 1 || count > 1024) fail("threads", std::to_string(count) + " is not between 1 and 1024");
  set_thread_count(count);
}

int run_program(CLI::App& app, int argc, char** argv, const std::function<void(Group*)>& program) {
  open_standard_streams();
  use_large_pages();
  Job job;
  const std::string name = std::filesystem::path(argv[0]).filename();
  app.get_formatter()->column_width(44);  // one line for each option
  bool dump = false;
  app.set_config("--config", "", "read options from a TOML file");
  app.config_formatter(std::make_shared<Config>());
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.add_flag("--dump-config", dump, "print such a file, and do nothing else")->configurable(false);
  std::string complaint;
  int status = 2;
  try {
    app.parse(argc, argv);
    dump ? void(std::cout << app.config_to_str(true)) : program(job.group());
    std::cout.flush();
    if (!std::cout) throw WriteFailure("cannot write to the standard output; is the disk full?");
    return 0;
  } catch (const CLI::Success& asked_for_help) {
    return app.exit(asked_for_help);
  } catch (const CLI::ParseError& error) {
    complaint = complaint_of(app, error) + " (see " + name + " --help)";
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
  job.fail(name + ": " + printable(complaint) + "\n", status);
  return status;
}

}  // namespace strata::tools
