// How a run is asked to stop.
#pragma once

namespace strata::tools {

/// While it lives, SIGINT, SIGTERM and SIGHUP end the process at once with status 128 + the signal's number,
/// as process 1 of a container too; after `wait_for_step`, the first of them is only noted. Signals that were
/// ignored before, as nohup's, stay so. A write to a pipe that nobody reads fails and does not end the
/// process. The process has one set of signal handlers: there may be one of these at a time.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// From now on the process asks `received` between its steps.
  void wait_for_step();

  /// The first signal, or 0.
  int received() const;

  /// The process ends as if by a second signal after so many seconds.
  void end_within(int seconds);
};

}  // namespace strata::tools
