#include "strata/tools/run/progress.hpp"

#include <pty.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <limits>
#include <memory>
#include <sstream>
#include <string>

using namespace strata::tools;
using Catch::Contains;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN(),
                 inf = std::numeric_limits<double>::infinity();

// A Progress whose time and terminal are the test's.
struct Run {
  double now = 1000;
  std::size_t columns = 120;
  std::ostringstream out;
  std::unique_ptr<Progress> progress;

  Run(bool terminal, std::size_t epochs, std::size_t steps, std::size_t first_epoch = 1,
      std::size_t first_step = 0) {
    progress = std::make_unique<Progress>(out, terminal, epochs, steps,
                                          ProgressOptions{.first_epoch = first_epoch,
                                                          .first_step = first_step,
                                                          .columns = [this] { return columns; },
                                                          .clock = [this] { return now; }});
  }

  void step(std::size_t steps_done, double seconds) {
    now += seconds;
    progress->step(steps_done, -151.318, -143.02, 8.298);
  }

  // What was printed since the last call.
  std::string printed() {
    std::string text = out.str();
    out.str("");
    return text;
  }
};

}  // namespace

TEST_CASE("Durations are formatted for reading") {
  CHECK(format_duration(0) == "0.0 s");
  CHECK(format_duration(1.94) == "1.9 s");
  CHECK(format_duration(9.94) == "9.9 s");
  CHECK(format_duration(9.96) == "10 s");
  CHECK(format_duration(59.4) == "59 s");
  CHECK(format_duration(59.6) == "1m 00s");
  CHECK(format_duration(65) == "1m 05s");
  CHECK(format_duration(3599.4) == "59m 59s");
  CHECK(format_duration(3599.6) == "1h 00m");
  CHECK(format_duration(2 * 3600 + 3 * 60 + 29) == "2h 03m");
  CHECK(format_duration(100 * 3600) == "100h 00m");
  CHECK(format_duration(not_a_number) == "nan");
  CHECK(format_duration(inf) == "inf");
}

TEST_CASE("Without a terminal there is one plain line for each epoch") {
  Run run(false, 20, 500, 9);
  for (std::size_t step = 1; step <= 500; ++step) run.step(step, 0.003);
  CHECK(run.printed() == "");
  run.now += 0.5;
  run.progress->end_epoch(-151.318, -150.112, -143.0249, 7.0871);
  CHECK(run.printed() ==
        "epoch  9/20  train -151.32  test -150.11 (reconstruction -143.02, KL 7.09)  2.0 s, 3.00 ms/step  "
        "22 s left\n");
  for (std::size_t step = 1; step <= 500; ++step) run.step(step, 0.003);
  run.progress->end_epoch(-15, not_a_number, -not_a_number, inf, -16, "cluster accuracy 75.00 %");
  CHECK(
      run.printed() ==
      "epoch 10/20  train -15.00  validation -16.00  test nan (reconstruction nan, KL inf), cluster accuracy "
      "75.00 %  1.5 s, 3.00 ms/step  19 s left\n");
  run.progress.reset();
  CHECK(run.printed() == "");
}

TEST_CASE("On a terminal one line is redrawn ten times a second, and cleared for the epoch's line") {
  Run run(true, 3, 100);
  run.step(1, 0.05);
  CHECK(run.printed() == "");
  run.step(2, 0.0625);
  CHECK(run.printed() ==
        "\repoch 1/3  [>                             ]  ELBO -151.32 (rec. -143.02, KL 8.30)  17 s "
        "left"
        "\x1b[K");
  run.step(3, 0.09);
  CHECK(run.printed() == "");
  run.step(50, 2);
  CHECK(run.printed() ==
        "\repoch 1/3  [===============>              ]  ELBO -151.32 (rec. -143.02, KL 8.30)  11 s "
        "left"
        "\x1b[K");
  run.step(100, 2);
  CHECK(run.printed() ==
        "\repoch 1/3  [==============================]  ELBO -151.32 (rec. -143.02, KL 8.30)  8.4 "
        "s left"
        "\x1b[K");
  run.now += 1;
  run.progress->end_epoch(-151, -150, -143, 7);
  CHECK(run.printed() ==
        "\r\x1b[Kepoch 1/3  train -151.00  test -150.00 (reconstruction -143.00, KL 7.00)  5.2 s, 42.02 "
        "ms/step  "
        "10 s left\n");
  // Nothing was drawn since, so that there is nothing to clear.
  run.step(1, 0.01);
  run.progress->end_epoch(-151, -150, -143, 7);
  CHECK_THAT(run.printed(), Catch::StartsWith("epoch 2/3  train"));
  run.step(100, 4);
  run.printed();
  run.progress->end_epoch(-151, -150, -143, 7);
  CHECK_THAT(run.printed(), Catch::EndsWith("4.0 s, 40.00 ms/step  9.2 s in all\n"));
}

TEST_CASE("The line never reaches the terminal's edge") {
  for (std::size_t columns = 0; columns < 130; ++columns) {
    Run run(true, 20, 100);
    run.columns = columns;
    run.step(50, 1);
    const std::string text = run.printed();
    INFO(columns << " columns: " << text);
    const std::size_t length = text.size() - 4;  // without the carriage return and ESC [ K
    CHECK(length <= (columns == 0 ? 0 : columns - 1));
    if (columns > 62) CHECK_THAT(text, Contains("s left"));
    // The bar gives way first, and grows to its full length.
    CHECK((text.find("[=") != std::string::npos) == (columns >= 71));
  }
}

TEST_CASE("A line that is left on the terminal is cleared in the end") {
  Run run(true, 20, 100);
  run.step(50, 1);
  run.printed();
  run.progress.reset();
  CHECK(run.printed() == "\r\x1b[K");
}

TEST_CASE("The progress line shows what is not finite, and more steps than announced") {
  Run run(true, 1, 10);
  run.now += 1;
  run.progress->step(20, not_a_number, -inf, 123456789);
  CHECK(run.printed() ==
        "\repoch 1/1  [==============================]  ELBO nan (rec. -inf, KL 1.2e+08)  0.0 s left"
        "\x1b[K");
}

TEST_CASE("The time left follows a speed that changes, smoothly") {
  Run run(false, 2, 100'000);
  std::size_t step = 0;
  while (step < 50'000) run.step(++step, 0.001);
  while (step < 90'000) run.step(++step, 0.003);
  run.progress->end_epoch(0, 0, 0, 0);
  // 100 seconds at the old speed, 300 at the new.
  CHECK_THAT(run.printed(), Contains("5m 00s left"));
}

TEST_CASE("Progress needs steps, and counts epochs from 1") {
  CHECK_THROWS_WITH(Run(false, 3, 0), "[Progress] an epoch has no steps");
  CHECK_THROWS_WITH(Run(false, 3, 10, 0), "[Progress] the first epoch is 0; they are counted from 1");
  CHECK_NOTHROW(Run(false, 3, 10, 4));  // a run that is complete
}

TEST_CASE("The steady clock is the default") {
  std::ostringstream out;
  Progress progress(out, false, 1, 1);
  progress.step(1, -1, -1, 0);
  progress.end_epoch(-1, -1, -1, 0);
  CHECK_THAT(out.str(), Contains("  0.0 s, 0.0") && Contains(" s in all\n"));
}

TEST_CASE("A run that was resumed within an epoch measures the steps that it took itself") {
  Run run(false, 3, 10, 2, 8);
  run.step(9, 0.1);
  run.step(10, 0.1);
  run.progress->end_epoch(-1, -1, -1, 0);
  CHECK_THAT(run.printed(), Contains("epoch 2/3") && Contains(" 100.00 ms/step  1.0 s left"));
  for (std::size_t step = 1; step <= 10; ++step) run.step(step, 0.2);
  run.progress->end_epoch(-1, -1, -1, 0);
  CHECK_THAT(run.printed(), Contains("epoch 3/3") && Contains(" 200.00 ms/step"));
}

TEST_CASE("A terminal is told from a file, and its width asked for") {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), std::fclose);
  CHECK_FALSE(is_terminal(file.get()));
  CHECK(terminal_columns(file.get()) == 80);

  winsize size{};
  size.ws_col = 132;
  int controller = -1, terminal = -1;
  REQUIRE(openpty(&controller, &terminal, nullptr, nullptr, &size) == 0);
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> screen(fdopen(terminal, "w"), std::fclose);
  const char* kind = std::getenv("TERM");
  const std::string old = kind ? kind : "";
  setenv("TERM", "xterm", 1);
  CHECK(is_terminal(screen.get()));
  setenv("TERM", "dumb", 1);
  CHECK_FALSE(is_terminal(screen.get()));
  kind ? setenv("TERM", old.c_str(), 1) : unsetenv("TERM");
  CHECK(terminal_columns(screen.get()) == 132);
  close(controller);
}
