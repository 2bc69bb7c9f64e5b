#include "strata/tools/run/stop_signals.hpp"

#include <signal.h>
#include <unistd.h>

#include <atomic>

namespace strata::tools {
namespace {

constexpr int stopping[] = {SIGINT, SIGTERM, SIGHUP};

// A handler can reach nothing else than what is static.
std::atomic<int> first_signal = 0;
std::atomic<bool> waits = false;
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free);

extern "C" void note_signal(int signal) {
  int none = 0;
  const bool first = first_signal.compare_exchange_strong(none, signal);
  if (!first && signal == SIGHUP) return;  // a closed terminal hangs up twice: by the kernel and by the shell
  if (!first || !waits) _exit(128 + first_signal);
}

void handle(int signal, void (*handler)(int)) {
  struct sigaction action = {}, before = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigaction(signal, nullptr, &before);
  if (before.sa_handler != SIG_IGN) sigaction(signal, &action, nullptr);
}

}  // namespace

StopSignals::StopSignals() {
  first_signal = 0;
  waits = false;
  for (const int signal : stopping) handle(signal, note_signal);
  handle(SIGPIPE, SIG_IGN);
}

StopSignals::~StopSignals() {
  for (const int signal : stopping) handle(signal, SIG_DFL);
}

void StopSignals::wait_for_step() { waits = true; }

int StopSignals::received() const { return first_signal; }

void StopSignals::end_within(int seconds) {
  handle(SIGALRM, note_signal);
  alarm(static_cast<unsigned>(seconds));
}

}  // namespace strata::tools
