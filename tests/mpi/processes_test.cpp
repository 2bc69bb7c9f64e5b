// train_mnist and evaluate as several processes that mpirun starts.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "strata/tests/tools/program_folder.hpp"
#include "strata/tests/tools/same_run.hpp"

using namespace strata;
using namespace strata::tools;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

Arguments launch(std::size_t processes, const char* program, const Arguments& arguments) {
  Arguments all = {"--allow-run-as-root", "--oversubscribe", "-n", std::to_string(processes), program};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return all;
}

Ran train(const ProgramFolder& here, std::size_t processes, const Arguments& more) {
  return run(STRATA_MPIRUN, launch(processes, STRATA_TRAIN_MNIST, ProgramFolder::arguments(more)),
             here.path());
}

std::size_t count(const std::string& text, const std::string& word) {
  std::size_t found = 0;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++found;
  return found;
}

// Whether metrics.csv of two runs, times aside, has the same numbers up to the order of sums.
void check_same(const fs::path& a, const fs::path& b) {
  std::istringstream left(metrics_without_times(a)), right(metrics_without_times(b));
  std::string x, y;
  std::size_t numbers = 0;
  while (std::getline(left, x, ',') && std::getline(right, y, ',')) {
    char *x_end = nullptr, *y_end = nullptr;
    const double u = std::strtod(x.c_str(), &x_end), v = std::strtod(y.c_str(), &y_end);
    INFO(x << " and " << y);
    if (*x_end == '\0' && *y_end == '\0' && ++numbers)
      CHECK(u == Approx(v).epsilon(1e-5));
    else
      CHECK(x == y);
  }
  CHECK(numbers > 6);
  CHECK(left.eof() == right.eof());
}

// The processes that mpirun started.
std::vector<pid_t> children(pid_t of) {
  std::vector<pid_t> found;
  for (const auto& task : fs::directory_iterator("/proc/" + std::to_string(of) + "/task")) {
    std::istringstream ids(content_of(task.path() / "children"));
    for (pid_t id = 0; ids >> id;) found.push_back(id);
  }
  return found;
}

// Adam would make steps of rounding errors where a gradient is 0, as that of a bias before normalisation.
const Arguments normalised = {"--threads", "1",    "--epochs", "3",           "--batch-norm", "--optimizer",
                              "momentum",  "--lr", "0.001",    "--free-bits", "0.1"};

Arguments with(Arguments all, const Arguments& more) {
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace

TEST_CASE("Several processes train and evaluate as one does, and the first alone writes") {
  const ProgramFolder here;
  REQUIRE(here.train(with(normalised, {"--out", "one"})).status == 0);
  const auto files = here.content("one");
  for (const std::size_t processes : {1, 2, 3}) {
    const std::string out = "of_" + std::to_string(processes);
    const Ran ran = train(here, processes, with(normalised, {"--out", out}));
    INFO(processes << " processes\n" << ran.out << ran.err);
    REQUIRE(ran.status == 0);
    CHECK(ran.err.empty());
    CHECK(count(ran.out, "written to ") == 1);
    check_same(here / "one", here / out);
    const auto others = here.content(out);
    CHECK(others.size() == files.size());
    for (const auto& [name, bytes] : files) CHECK(others.contains(name));
  }

  const Arguments evaluation = {
      "one",        "--data",  "data",  "--threads",          "1", "--samples",      "70",
      "--proposal", "refined", "--ais", "--refinement-steps", "3", "--temperatures", "4",
      "--json"};
  const Ran alone = run(STRATA_EVALUATE, evaluation, here.path());
  REQUIRE(alone.status == 0);
  const Ran shared = run(STRATA_MPIRUN, launch(3, STRATA_EVALUATE, evaluation), here.path());
  INFO(shared.err);
  CHECK(nlohmann::json::parse(shared.out) == nlohmann::json::parse(alone.out));
}

TEST_CASE("A run that is stopped, or loses a process, goes on with another number of them") {
  const ProgramFolder here;
  REQUIRE(here.train({"--threads", "1", "--epochs", "400", "--out", "whole"}).status == 0);
  const Arguments part = ProgramFolder::arguments(
      {"--threads", "1", "--epochs", "400", "--out", "part", "--checkpoint-minutes", "0"});
  const bool loses = GENERATE(false, true);
  Running running(STRATA_MPIRUN, launch(3, STRATA_TRAIN_MNIST, part), here.path());
  while (!fs::exists(here / "part/checkpoint.safetensors"))
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  if (loses)
    kill(children(running.pid()).at(1), SIGKILL);
  else
    running.signal(SIGTERM);
  const Ran ran = running.wait();
  INFO(ran.out << ran.err);
  CHECK(ran.status != 0);
  CHECK(ran.status != -1);
  CHECK(count(ran.out, "written to ") == 0);
  if (loses) CHECK(count(ran.err, "exited on signal 9") == 1);
  const Ran resumed = train(here, 2, {"--resume", "part"});
  INFO(resumed.out << resumed.err);
  CHECK(resumed.status == 0);
  CHECK(count(resumed.out, "goes on after ") == 1);
  check_same(here / "whole", here / "part");
}

TEST_CASE("What all processes cannot do is told once, and leaves nothing") {
  const ProgramFolder here;
  const auto before = here.content();
  for (const Arguments& wrong : {Arguments{"--latent", "0"}, Arguments{"--no-such-option"},
                                 Arguments{"--lr", "1e38"}, Arguments{"--data", "nowhere"}}) {
    const Ran ran = train(here, 3, wrong);
    INFO(ran.out << ran.err);
    CHECK(ran.status == 2);
    CHECK(count(ran.err, "train_mnist: ") == 1);
    CHECK((here.content() == before));
  }
}

TEST_CASE("A process that fails by itself ends the others") {
  const ProgramFolder here;
  // The disk is full for the first alone, in the middle of the run.
  const std::string limit =
      "if [ \"$OMPI_COMM_WORLD_RANK\" = 0 ]; then trap '' XFSZ; ulimit -f 64; fi; exec \"$0\" \"$@\"";
  const Ran ran = run(
      STRATA_MPIRUN,
      with({"--allow-run-as-root", "--oversubscribe", "-n", "3", "/bin/sh", "-c", limit, STRATA_TRAIN_MNIST},
           ProgramFolder::arguments()),
      here.path());
  INFO(ran.out << ran.err);
  CHECK(ran.status != 0);
  CHECK(ran.status != -1);
  CHECK(count(ran.err, "cannot be written: File too large") == 1);
}
