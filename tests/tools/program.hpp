// Runs a built program as its user does.
#pragma once

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "strata/tests/temporary_folder.hpp"

namespace strata::tools {

/// What a program left behind.
struct Ran {
  int status;       ///< its exit status, or −1 if it crashed or ran for more than ten minutes
  std::string out;  ///< all of its standard output
  std::string err;  ///< all of its standard error stream
};

/// The bytes of a file.
inline std::string content_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

/// The lines of a text.
inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

/// How a program is run, beside its arguments.
struct Surroundings {
  std::vector<std::string> environment = {};  ///< "NAME=value", beside the tests' own
  std::string out = {};                       ///< where its standard output goes; "" for a file, "closed"
};

/// A program that runs in the given folder, with an empty input. It is killed with this.
class Running {
 public:
  Running(const std::string& program, std::vector<std::string> arguments, const std::filesystem::path& folder,
          const Surroundings& around = {}) {
    const std::string out = around.out.empty() ? out_ : around.out;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (out == "closed")
      posix_spawn_file_actions_addclose(&actions, STDOUT_FILENO);
    else
      posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(), O_WRONLY | O_CREAT, 0600);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err_.c_str(), O_WRONLY | O_CREAT, 0600);
    posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());

    arguments.insert(arguments.begin(), program);
    std::vector<std::string> environment = around.environment;
    for (char** variable = environ; *variable != nullptr; ++variable) environment.push_back(*variable);
    const int failed = posix_spawn(&child_, program.c_str(), &actions, nullptr, pointers(arguments).data(),
                                   pointers(environment).data());
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) throw std::runtime_error("cannot run " + program);
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() {
    signal(SIGKILL);
    if (!ended_) waitpid(child_, nullptr, 0);
  }

  void signal(int number) {
    if (!ended_) kill(child_, number);
  }

  pid_t pid() const { return child_; }

  /// Whether it has ended within so many seconds.
  bool ends_within(double seconds) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (!ended_ && !(ended_ = waitpid(child_, &status_, WNOHANG) != 0)) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }

  /// What it leaves at its end, which is brought about after ten minutes.
  Ran wait() {
    if (!ends_within(600)) signal(SIGKILL);
    ends_within(60);
    return {WIFEXITED(status_) ? WEXITSTATUS(status_) : -1, content_of(out_), content_of(err_)};
  }

 private:
  static std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> all;
    for (std::string& text : texts) all.push_back(text.data());
    all.push_back(nullptr);
    return all;
  }

  TemporaryFolder streams_;
  std::string out_ = streams_ / "out", err_ = streams_ / "err";
  pid_t child_ = 0;
  int status_ = 0;
  bool ended_ = false;
};

/// Runs the program in the given folder, with an empty input, and waits for its end.
inline Ran run(const std::string& program, std::vector<std::string> arguments,
               const std::filesystem::path& folder, const Surroundings& around = {}) {
  return Running(program, std::move(arguments), folder, around).wait();
}

}  // namespace strata::tools
