// The processes as which a program runs.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include "strata/tensor/group.hpp"

namespace strata::tools {

/// The processes that `mpirun` started, in a build with STRATA_MPI; else one by itself. Of several the first
/// alone speaks: the others' standard output goes nowhere.
class Job {
 public:
  Job();
  /// Waits until all processes end.
  ~Job();
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  /// Those that share the work, or nullptr for a process by itself.
  Group* group() const;

  /// Writes a line to the standard error stream: one for all processes, where all of them fail. Where the
  /// others go on it ends them, and this process, with the status.
  void fail(const std::string& line, int status);

 private:
  struct Processes;
  std::unique_ptr<Processes> processes_;
};

/// Whether this is the process that writes: the first of its group, or by itself.
inline bool is_first(const Group* group) { return group == nullptr || group->rank() == 0; }

/// Calls f in the first process, while the others wait; what it throws is thrown in all.
template <class F> void in_first(Group* group, F f) {
  if (group == nullptr) return f();
  std::exception_ptr thrown;
  std::string message;
  if (is_first(group)) try {
      f();
    } catch (const std::exception& error) {
      thrown = std::current_exception();
      message = error.what();
    }
  message = first_text(*group, message);
  if (thrown) std::rethrow_exception(thrown);
  if (!message.empty()) throw std::runtime_error(message);
}

}  // namespace strata::tools
