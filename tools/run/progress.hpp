// What a training run shows while it runs.
#pragma once

#include <cstddef>
#include <cstdio>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>

namespace strata::tools {

/// Whether the file is a terminal on which a line can be redrawn (TERM is not "dumb").
bool is_terminal(std::FILE* file);

/// The width in characters of the terminal that the file is; 80 where it is none or does not tell.
std::size_t terminal_columns(std::FILE* file);

/// Seconds on a clock that never jumps, since some fixed moment.
double steady_seconds();

/// "1.9 s", "12 s", "1m 05s" or "2h 03m", rounded; "nan" and "inf" for what is no duration.
std::string format_duration(double seconds);

/// What Progress takes from its surroundings.
struct ProgressOptions {
  std::size_t first_epoch = 1;                                                     // above 1 in a resumed run
  std::size_t first_step = 0;                                                      // done in that epoch
  std::function<std::size_t()> columns = [] { return terminal_columns(stdout); };  // the terminal's width
  std::function<double()> clock = steady_seconds;
};

/// The progress of a training run: on a terminal one line, redrawn in place at most ten times a second and
/// never wrapped; anywhere also one plain line for each epoch. All bounds are in nats per image.
///
///     Progress progress(std::cout, is_terminal(stdout), epochs, steps);
///     for each epoch: for each step: progress.step(...);  then progress.end_epoch(...);
class Progress {
 public:
  /// The clock starts here. `out` must live as long as this does.
  /// Throws std::invalid_argument if steps_per_epoch or options.first_epoch is 0.
  Progress(std::ostream& out, bool terminal, std::size_t epochs, std::size_t steps_per_epoch,
           ProgressOptions options = {});
  /// Clears the line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// After a training step: `steps_done` of this epoch are done, and these are the training bound and its
  /// terms so far, elbo = reconstruction − kl. Costs a look at the clock unless the line is due.
  void step(std::size_t steps_done, double elbo, double reconstruction, double kl);

  /// After an epoch's last step and its test: prints the epoch's line, with the bound of a validation where
  /// there is one and whatever else the test told, and starts the next epoch. `reconstruction` and `kl` are
  /// the terms of `test_elbo`. Its figures of time are the whole epoch with the test, a training step alone,
  /// and an estimate for the rest of the run.
  void end_epoch(double train_elbo, double test_elbo, double reconstruction, double kl,
                 std::optional<double> validation_elbo = {}, const std::string& more = "");

 private:
  void measure_steps();
  double seconds_left() const;
  std::string epoch_label() const;
  void draw(const std::string& terms);
  void clear();

  std::ostream& out_;
  const bool terminal_;
  const std::size_t epochs_, steps_per_epoch_;
  const ProgressOptions options_;
  std::size_t epoch_;                                // the current one, from 1
  std::size_t first_step_, steps_, measured_steps_;  // of the epoch: done before, done, measured
  std::size_t all_measured_steps_ = 0;
  double start_, epoch_start_, last_step_, measured_until_, next_update_;  // times on the clock
  double step_seconds_ = 0, test_seconds_ = 0;                             // smoothed
  bool line_shown_ = false;
};

}  // namespace strata::tools
