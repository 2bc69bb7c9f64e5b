#include "strata/tools/run/progress.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <iomanip>
#include <locale>
#include <ostream>
#include <sstream>
#include <string_view>
#include <utility>

#include "strata/tensor/tensor.hpp"

namespace strata::tools {
namespace {

constexpr double update_interval = 0.1;                    // seconds between two drawings of the line
constexpr double smoothing_seconds = 10;                   // how far back the speed of a step is remembered
constexpr double test_smoothing = 0.3;                     // the weight of the newest epoch's test
constexpr std::size_t longest_bar = 30, shortest_bar = 6;  // characters between the brackets

std::string decimals(double value, int digits) {
  if (std::isnan(value)) return "nan";  // whatever its sign bit
  std::ostringstream text;
  text.imbue(std::locale::classic());
  if (std::abs(value) < 1e7) text << std::fixed;
  text << std::setprecision(digits) << value;
  return text.str();
}

std::string two_digits(long long value) { return (value < 10 ? "0" : "") + std::to_string(value); }

std::string bound_and_terms(double elbo, const std::string& name, double reconstruction, double kl) {
  return decimals(elbo, 2) + " (" + name + " " + decimals(reconstruction, 2) + ", KL " + decimals(kl, 2) +
         ")";
}

std::string bar(std::size_t length, double fraction) {
  const auto filled = static_cast<std::size_t>(fraction * static_cast<double>(length));
  std::string text(length, ' ');
  std::fill_n(text.begin(), filled, '=');
  if (filled < length) text[filled] = '>';
  return "[" + text + "]";
}

}  // namespace

bool is_terminal(std::FILE* file) {
  const char* kind = std::getenv("TERM");
  return isatty(fileno(file)) == 1 && !(kind && std::string_view(kind) == "dumb");
}

std::size_t terminal_columns(std::FILE* file) {
  winsize size{};
  const bool known = ioctl(fileno(file), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string format_duration(double seconds) {
  if (std::isnan(seconds)) return "nan";
  if (std::isinf(seconds)) return "inf";
  if (seconds < 9.95) return decimals(seconds, 1) + " s";
  const long long rounded = std::llround(seconds), minutes = std::llround(seconds / 60);
  if (rounded < 60) return std::to_string(rounded) + " s";
  if (rounded < 3600) return std::to_string(rounded / 60) + "m " + two_digits(rounded % 60) + "s";
  return std::to_string(minutes / 60) + "h " + two_digits(minutes % 60) + "m";
}

Progress::Progress(std::ostream& out, bool terminal, std::size_t epochs, std::size_t steps_per_epoch,
                   ProgressOptions options)
    : out_(out),
      terminal_(terminal),
      epochs_(epochs),
      steps_per_epoch_(steps_per_epoch),
      options_(std::move(options)),
      epoch_(options_.first_epoch),
      first_step_(options_.first_step),
      steps_(first_step_),
      measured_steps_(first_step_),
      start_(options_.clock()),
      epoch_start_(start_),
      last_step_(start_),
      measured_until_(start_),
      next_update_(start_ + update_interval) {
  if (steps_per_epoch_ == 0) fail("Progress", "an epoch has no steps");
  if (epoch_ == 0) fail("Progress", "the first epoch is 0; they are counted from 1");
}

Progress::~Progress() {
  clear();
  out_.flush();
}

void Progress::step(std::size_t steps_done, double elbo, double reconstruction, double kl) {
  steps_ = steps_done;
  last_step_ = options_.clock();
  if (last_step_ < next_update_) return;
  next_update_ = last_step_ + update_interval;
  measure_steps();
  if (terminal_) draw("ELBO " + bound_and_terms(elbo, "rec.", reconstruction, kl));
}

void Progress::end_epoch(double train_elbo, double test_elbo, double reconstruction, double kl,
                         std::optional<double> validation_elbo, const std::string& more) {
  measure_steps();
  const double now = options_.clock(), test_seconds = now - last_step_;
  const double weight = epoch_ == options_.first_epoch ? 1 : test_smoothing;
  test_seconds_ += weight * (test_seconds - test_seconds_);
  const double milliseconds = 1000 * (last_step_ - epoch_start_) / static_cast<double>(steps_ - first_step_);
  const std::string label = epoch_label(), seconds = format_duration(now - epoch_start_);

  ++epoch_;
  steps_ = measured_steps_ = first_step_ = 0;
  epoch_start_ = last_step_ = measured_until_ = now;
  next_update_ = now + update_interval;

  clear();
  out_ << label << "  train " << decimals(train_elbo, 2)
       << (validation_elbo ? "  validation " + decimals(*validation_elbo, 2) : "") << "  test "
       << bound_and_terms(test_elbo, "reconstruction", reconstruction, kl)
       << (more.empty() ? "" : ", " + more) << "  " << seconds << ", " << decimals(milliseconds, 2)
       << " ms/step  "
       << (epoch_ <= epochs_ ? format_duration(seconds_left()) + " left"
                             : format_duration(now - start_) + " in all")
       << std::endl;
}

// Takes the steps since the last measurement into the smoothed time of a step: a plain average at first,
// which later forgets what is long ago.
void Progress::measure_steps() {
  if (steps_ <= measured_steps_) return;
  const double steps = static_cast<double>(steps_ - measured_steps_), seconds = last_step_ - measured_until_;
  all_measured_steps_ += steps_ - measured_steps_;
  const double weight =
      std::max(steps / static_cast<double>(all_measured_steps_), 1 - std::exp(-seconds / smoothing_seconds));
  step_seconds_ += weight * (seconds / steps - step_seconds_);
  measured_steps_ = steps_;
  measured_until_ = last_step_;
}

// Until the end of the run; the first epoch does not know yet how long a test takes.
double Progress::seconds_left() const {
  if (epoch_ > epochs_) return 0;
  const auto epochs = static_cast<double>(epochs_ - epoch_ + 1);
  const double steps = epochs * static_cast<double>(steps_per_epoch_) -
                       static_cast<double>(std::min(steps_, steps_per_epoch_));
  return steps * step_seconds_ + epochs * test_seconds_;
}

std::string Progress::epoch_label() const {
  const std::string epoch = std::to_string(epoch_), epochs = std::to_string(epochs_);
  const std::size_t padding = epochs.size() - std::min(epochs.size(), epoch.size());
  return "epoch " + std::string(padding, ' ') + epoch + "/" + epochs;
}

void Progress::draw(const std::string& terms) {
  // One column less than there are: a full line would leave the cursor beyond the edge.
  const std::size_t room = std::max<std::size_t>(options_.columns(), 1) - 1;
  const std::string label = epoch_label();
  const std::string rest = "  " + terms + "  " + format_duration(seconds_left()) + " left";
  const std::size_t used = label.size() + 2 + 2 + rest.size();  // with two spaces and the brackets

  std::string line = label;
  if (used + shortest_bar <= room) {
    const double done = static_cast<double>(steps_) / static_cast<double>(steps_per_epoch_);
    line += "  " + bar(std::min(room - used, longest_bar), std::min(done, 1.0));
  }
  line += rest;
  out_ << '\r' << line.substr(0, room) << "\x1b[K" << std::flush;  // ESC [ K: clear what is right of it
  line_shown_ = true;
}

void Progress::clear() {
  if (line_shown_) out_ << "\r\x1b[K";
  line_shown_ = false;
}

}  // namespace strata::tools
