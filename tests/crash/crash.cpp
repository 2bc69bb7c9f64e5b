// Real runs of train_mnist that are killed, stopped, or fail to write, at random instants and in the middle
// of their saves; each must leave what can be read, and go on to the bytes of a run that nothing happened to.
//
//     build/release/tests/crash --data MNIST --images 2560
//
// The last line is "0 unreadable, N of N identical" or the exit status 1.
#include <CLI/CLI.hpp>
#include <cerrno>
#include <iostream>
#include <random>

#include "strata/tests/tools/program_folder.hpp"
#include "strata/tests/tools/same_run.hpp"
#include "strata/tools/data/find_data.hpp"

namespace {

using namespace strata;
using namespace strata::tools;
namespace fs = std::filesystem;

struct Options {
  std::string data;
  std::size_t images = 0;  // 0: a few made ones, and small models
  std::size_t kills = 300, save_kills = 50, stops = 50, failure_stride = 1;
  unsigned seed = 1;
};

struct Model {
  const char* name;
  Arguments arguments;
};
const std::vector<Model> models = {
    {"seed model", {}},
    {"two layers, IWAE, warm-up",
     {"--latent", "20,10", "--upper-hidden", "30", "--objective", "iwae", "--samples", "2", "--warmup-epochs",
      "3"}},
    {"batch norm, cosine, validation",
     {"--batch-norm", "--schedule", "cosine", "--validation", "20", "--early-stopping", "2"}},
    {"conditional", {"--conditional"}}};

// A model and a number of threads, with the run that nothing happened to.
struct Subject {
  std::string name;
  Arguments arguments;
  fs::path reference;
  double seconds;
  long calls;  // that a run makes to change its folder
};

class Trials {
 public:
  explicit Trials(const Options& options) : options_(options), random_(options.seed) {
    fs::create_symlink(STRATA_INJECT_LIBRARY, inject_);
    if (options.images > 0) copy_some(find_data({.data = options.data, .download = false}));
    for (const Model& model : models)
      for (const char* threads : {"1", "2"}) {
        Subject subject{std::string(model.name) + ", " + threads + " threads", model.arguments, {}, 0, 0};
        for (const char* more : {"--threads", threads, "--checkpoint-minutes", "0.0005"})
          subject.arguments.push_back(more);
        if (options.images > 0)
          for (const char* more : {"--hidden", "500,300,150", "--batch", "128", "--epochs", "3"})
            subject.arguments.push_back(more);
        else
          for (const char* more : {"--epochs", "4"}) subject.arguments.push_back(more);
        const std::string out = "reference" + std::to_string(subjects_.size());
        subject.reference = here_ / out;
        const auto start = std::chrono::steady_clock::now();
        if (train(subject, out, 0, 0).status != 0) throw std::runtime_error("the reference run failed");
        subject.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        subject.calls = std::stol(content_of(here_ / "count"));
        std::cout << subject.name << ": " << subject.seconds << " s, " << subject.calls << " calls\n";
        subjects_.push_back(subject);
      }
  }

  void kill_at_random_instants(std::size_t count, int signal) {
    for (std::size_t i = 0; i < count;) {
      const Subject& subject = subjects_[i % subjects_.size()];
      auto running = here_.start(with_out(subject, "run"));
      running->ends_within(std::uniform_real_distribution<double>(0, subject.seconds)(random_));
      running->signal(signal);
      const int status = running->wait().status;
      const bool before_main = status == -1 && !fs::exists(here_ / "run");
      if (signal != SIGKILL && status != 0 && status != 128 + signal && !before_main)
        complain(subject, "exit status", status);
      i += go_on(subject, "signal") ? 1 : 0;
    }
  }

  void kill_in_saves(std::size_t count) {
    for (std::size_t i = 0; i < count;) {
      const Subject& subject = subjects_[i % subjects_.size()];
      const long at = std::uniform_int_distribution<long>(1, subject.calls)(random_);
      if (train(subject, "run", at, 0).status != -1) continue;  // it saved less often than the reference
      i += go_on(subject, "kill at call " + std::to_string(at)) ? 1 : 0;
    }
  }

  // Every call, or every stride-th, fails once.
  void fail_to_write(std::size_t stride) {
    const Subject& subject = subjects_[0];
    for (long at = 1; at <= subject.calls; at += static_cast<long>(stride))
      for (const int error : {ENOSPC, EIO}) {
        const Ran ran = train(subject, "run", at, error);
        const std::string what = "error " + std::to_string(error) + " at call " + std::to_string(at);
        if (ran.status == 1 && lines_of(ran.err).size() == 1)
          ++failed_;
        else if (ran.status == 0)
          ++tolerated_;
        else
          complain(subject, what + ": " + ran.err, ran.status);
        go_on(subject, what);
      }
  }

  // What was seen so far; whether all of it was right.
  bool report() const {
    std::cout << failed_ << " failed writes, each one line and status 1; " << tolerated_
              << " that did not matter or were not reached; " << anew_ << " runs without a save, begun anew\n"
              << unreadable_ << " unreadable, " << identical_ << " of " << resumed_ << " identical"
              << std::endl;
    return unreadable_ == 0 && identical_ == resumed_ && complaints_ == 0;
  }

 private:
  void copy_some(const ImageData& mnist) {
    const auto write = [&](const char* set, const Dataset& data, std::size_t count) {
      const auto& images = std::get<Tensor<std::uint8_t>>(data.examples);
      const std::string pixels(images.begin(),
                               images.begin() + static_cast<std::ptrdiff_t>(count * data.width())),
          labels(data.labels->begin(), data.labels->begin() + static_cast<std::ptrdiff_t>(count));
      const auto n = static_cast<unsigned>(count);
      std::ofstream(here_ / "data" / (set + std::string("-images-idx3-ubyte")), std::ios::binary)
          << idx_bytes({n, 28, 28}, pixels);
      std::ofstream(here_ / "data" / (set + std::string("-labels-idx1-ubyte")), std::ios::binary)
          << idx_bytes({n}, labels);
    };
    write("train", mnist.train, options_.images);
    write("t10k", mnist.test, options_.images / 10);
  }

  static Arguments with_out(const Subject& subject, const std::string& out) {
    Arguments all = subject.arguments;
    all.insert(all.end(), {"--out", out});
    return all;
  }

  Ran train(const Subject& subject, const std::string& out, long at, int error) const {
    fs::remove(here_ / "count");
    return here_.train(
        with_out(subject, out),
        {.environment = {"LD_PRELOAD=" + inject_.string(),
                         "STRATA_INJECT=" + std::to_string(at) + " " + std::to_string(error) + " " +
                             (here_ / out).string() + " " + (here_ / "count").string()}});
  }

  void complain(const Subject& subject, const std::string& what, int status) {
    std::cout << subject.name << ": " << what << ", status " << status << std::endl;
    ++complaints_;
  }

  // Resumes the run; false if it had not saved yet, and was begun anew.
  bool go_on(const Subject& subject, const std::string& what) {
    const fs::path run = here_ / "run", complete = run / "complete.tmp";
    for (const fs::path& folder : {run, complete})
      for (const char* name : {"model", "best", "checkpoint", "checkpoint.previous"})
        if (const auto file = folder / (name + std::string(".safetensors")); fs::exists(file)) try {
            Safetensors::read(file);
          } catch (const std::runtime_error& error) {
            complain(subject, what + ": " + error.what(), 0);
            ++unreadable_;
          }
    const bool saved = fs::exists(run / "checkpoint.safetensors") ||
                       fs::exists(run / "checkpoint.previous.safetensors") || fs::exists(complete);
    const Ran ran = saved ? here_.train({"--resume", "run"}) : here_.train(with_out(subject, "run"));
    const std::string differs = ran.status == 0 ? difference(subject.reference, run) : ran.err;
    bool clean = true;
    for (const auto& entry : fs::directory_iterator(run))
      clean = clean && entry.path().filename().string().find(".tmp") == std::string::npos;
    if (differs != "" || !clean) complain(subject, what + ": " + (clean ? differs : "not clean"), ran.status);
    (saved ? resumed_ : anew_) += 1;
    if (saved && differs == "" && clean) ++identical_;
    fs::remove_all(run);
    return saved;
  }

  Options options_;
  std::mt19937 random_;
  ProgramFolder here_;
  fs::path inject_ = here_ / "inject.so";  // a list of what to preload is parted at spaces
  std::vector<Subject> subjects_;
  std::size_t unreadable_ = 0, resumed_ = 0, identical_ = 0, anew_ = 0, failed_ = 0, tolerated_ = 0,
              complaints_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Kills, stops and disturbs runs of train_mnist.");
  Options o;
  app.add_option("--data", o.data, "MNIST, for --images");
  app.add_option("--images", o.images,
                 "train the full models on so many of its images; 0: small ones, on made images");
  app.add_option("--kills", o.kills, "at random instants")->capture_default_str();
  app.add_option("--save-kills", o.save_kills, "between and within the system calls of saves")
      ->capture_default_str();
  app.add_option("--stops", o.stops, "SIGTERM at random instants")->capture_default_str();
  app.add_option("--failure-stride", o.failure_stride, "every so many-th system call fails once")
      ->capture_default_str();
  app.add_option("--seed", o.seed, "of the instants")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  Trials trials(o);
  trials.kill_at_random_instants(o.kills, SIGKILL);
  trials.report();
  trials.kill_in_saves(o.save_kills);
  trials.report();
  trials.kill_at_random_instants(o.stops, SIGTERM);
  trials.report();
  if (o.failure_stride > 0) trials.fail_to_write(o.failure_stride);
  return trials.report() ? 0 : 1;
}
