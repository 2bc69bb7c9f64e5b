// Runs of train_mnist that are stopped, killed, refused, and go on.
#include <sys/stat.h>
#include <catch2/catch.hpp>

#include "strata/tests/tools/program_folder.hpp"
#include "strata/tests/tools/same_run.hpp"

using namespace strata;
using namespace strata::tools;
using Catch::Contains;
namespace fs = std::filesystem;

namespace {

Arguments operator+(Arguments a, const Arguments& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Waits until the run has saved; a save of a run of 60 images follows its start within a tenth of a second.
void wait_for_save(const ProgramFolder& here, const std::string& out) {
  while (!fs::exists(here / out / "checkpoint.safetensors"))
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

}  // namespace

TEST_CASE("A stopped run says how to go on, and ends as the run that was not stopped") {
  const ProgramFolder here;
  const auto [signal, status] = GENERATE(table<int, int>({{SIGINT, 130}, {SIGTERM, 143}, {SIGHUP, 129}}));
  const Arguments options = {"--epochs", "60", "--threads", "2"};
  REQUIRE(here.train(options).status == 0);
  auto running = here.start(options + Arguments{"--out", "stopped", "--checkpoint-minutes", "0"});
  wait_for_save(here, "stopped");
  running->signal(signal);
  const Ran ran = running->wait();
  INFO(ran.out << ran.err);
  CHECK(ran.status == status);
  CHECK(ran.err.empty());
  CHECK_THAT(ran.out, Contains("stopped after ") && Contains("go on with: train_mnist --resume stopped"));
  CHECK(fs::exists(here / "stopped/samples.png"));
  CHECK(difference(here / "out", here / "stopped") != "");
  const Ran resumed = here.train({"--resume", "stopped"});
  INFO(resumed.out << resumed.err);
  CHECK(resumed.status == 0);
  CHECK_THAT(resumed.out, Contains("goes on after "));
  CHECK(difference(here / "out", here / "stopped") == "");
}

TEST_CASE("A run that is suspended and continued is the same run") {
  const ProgramFolder here;
  REQUIRE(here.train({"--epochs", "40", "--threads", "2"}).status == 0);
  auto running = here.start({"--epochs", "40", "--threads", "2", "--out", "suspended"});
  for (int i = 0; i < 5; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    running->signal(SIGSTOP);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    running->signal(SIGCONT);
  }
  CHECK(running->wait().status == 0);
  CHECK(difference(here / "out", here / "suspended") == "");
}

TEST_CASE("A second signal ends a run at once") {
  const ProgramFolder here;
  auto running = here.start({"--epochs", "1000000"});
  wait_for_save(here, "out");
  running->signal(SIGSTOP);  // so that both wait together
  running->signal(SIGINT);
  running->signal(SIGTERM);
  running->signal(SIGCONT);
  const Ran ran = running->wait();
  CHECK((ran.status == 130 || ran.status == 143));
  CHECK(ran.out.find("stopped") == std::string::npos);
  CHECK_NOTHROW(Safetensors::read(here / "out/checkpoint.safetensors"));
}

TEST_CASE("A run goes on in files of its own folder alone") {
  const ProgramFolder here;
  REQUIRE(here.train({"--epochs", "2"}).status == 0);
  for (const char* name : {"model.safetensors", "metrics.csv", "events.tfevents", "samples.png"}) {
    fs::rename(here / "out" / name, here / "precious");
    fs::create_symlink("../precious", here / "out" / name);
    const auto before = here.content();
    const Ran ran = here.train({"--resume", "out", "--epochs", "3"});
    CHECK(ran.status == 2);
    CHECK_THAT(ran.err, Contains(std::string("out/") + name + ": is a link, which is not followed"));
    CHECK(here.content() == before);
    fs::rename(here / "precious", here / "out" / name);
  }
  CHECK(here.train({"--resume", "out", "--epochs", "3"}).status == 0);
}

TEST_CASE("More epochs are allowed where the schedule's meaning does not change with them") {
  const ProgramFolder here;
  REQUIRE(here.train({"--out", "long", "--epochs", "5"}).status == 0);
  REQUIRE(here.train({"--epochs", "2"}).status == 0);
  REQUIRE(here.train({"--resume", "out", "--epochs", "5"}).status == 0);
  CHECK(difference(here / "long", here / "out") == "");

  REQUIRE(here.train({"--out", "cosine", "--epochs", "4", "--schedule", "cosine"}).status == 0);
  const auto before = here.content();
  const Ran refused = here.train({"--resume", "cosine", "--epochs", "5"});
  CHECK(refused.status == 2);
  CHECK_THAT(refused.err, Contains("--epochs 5 instead of 4") && Contains("epoch 2") && Contains("cosine"));
  CHECK_THAT(here.train({"--resume", "out", "--epochs", "3"}).err, Contains("5 are begun already"));
  CHECK((here.content() == before));
}

TEST_CASE("Options that would change a resumed run are refused by name, the run's own are not") {
  const ProgramFolder here;
  REQUIRE(here.train({"--epochs", "2", "--threads", "1"}).status == 0);
  const auto before = here.content();
  const auto refused = [&](const Arguments& more, const Arguments& words) {
    const Ran ran = here.train(Arguments{"--resume", "out"} + more);
    INFO(more[0] << ": " << ran.err);
    CHECK(ran.status == 2);
    CHECK(lines_of(ran.err).size() == 1);
    for (const std::string& word : words) CHECK_THAT(ran.err, Contains(word));
    CHECK((here.content() == before));
  };
  refused({"--hidden", "16,9"}, {"--hidden is 16,9, and was 16,8"});
  refused({"--batch-norm"}, {"--batch-norm is true, and was false"});
  refused({"--lr", "0.002"}, {"--lr is 0.002, and was 0.001"});
  refused({"--optimizer", "sgd"}, {"--optimizer is sgd, and was adam"});
  refused({"--seed", "3"}, {"--seed is 3, and was 0"});
  refused({"--threads", "2"}, {"--threads is 2, and was 1"});
  refused({"--out", "other"}, {"--out", "--resume"});
  refused({"--overwrite"}, {"--overwrite", "--resume"});
  CHECK(here.train({"--resume", "out", "--hidden", "16,8", "--lr", "1e-3", "--threads", "1", "--manifold",
                    "linear"})
            .status == 0);
  CHECK((here.content("out").at("manifold.png") != before.at("out/manifold.png")));
  CHECK((here.content("out").at("model.safetensors") == before.at("out/model.safetensors")));

  fs::create_directory(here / "others");
  write_images(here / "others", "train", 61);
  write_images(here / "others", "t10k", 20);
  const Ran ran = here.train({"--resume", "out", "--data", "others"});
  CHECK(ran.status == 2);
  CHECK_THAT(ran.err, Contains("trained on other images than those of others"));
  CHECK_THAT(here.train({"--resume", "nowhere"}).err,
             Contains("nowhere/checkpoint.safetensors: does not exist"));
  CHECK(!fs::exists(here / "nowhere"));
}

TEST_CASE("Where the newest generation cannot be read the one before is") {
  const ProgramFolder here;
  REQUIRE(here.train({"--epochs", "3", "--out", "whole"}).status == 0);
  REQUIRE(here.train({"--epochs", "3"}).status == 0);
  std::ofstream(here / "out/checkpoint.safetensors") << "torn";
  std::ofstream(here / "out/checkpoint.safetensors.tmp0") << "of a killed run";
  const Ran ran = here.train({"--resume", "out"});
  CHECK_THAT(ran.out, Contains("goes on after 2 epochs and 0 of 3 steps"));
  CHECK(difference(here / "whole", here / "out") == "");
  CHECK(!fs::exists(here / "out/checkpoint.safetensors.tmp0"));
}

TEST_CASE(
    "A run is refused where any of its names is taken, and replaced whole when its successor has saved") {
  const ProgramFolder here;
  for (const char* name : {"model.safetensors", "metrics.csv", "events.tfevents", "checkpoint.safetensors",
                           "samples.png", "curves.png", "evaluation.json", "report.html", "generated"}) {
    fs::create_directory(here / "out");
    std::ofstream(here / "out" / name) << "someone's";
    const auto before = here.content();
    const Ran ran = here.train();
    INFO(name << ": " << ran.err);
    CHECK(ran.status == 2);
    CHECK_THAT(ran.err, Contains(name) && Contains("--overwrite"));
    CHECK((here.content() == before));
    fs::remove_all(here / "out");
  }

  REQUIRE(here.train({"--epochs", "2"}).status == 0);
  fs::create_directory(here / "out/generated");
  std::ofstream(here / "out/generated/samples.png") << "old";
  for (const char* name : {"model.safetensors.tmp0", "report.html.tmp0", "report.html", "evaluation.json"})
    std::ofstream(here / "out" / name) << "old";
  std::ofstream(here / "out/notes.txt") << "mine";
  const auto before = here.content("out");
  // A run that diverges, cannot save, or is killed in its first epoch: the old one stays, byte for byte.
  CHECK(here.train({"--overwrite", "--lr", "1e38"}).status == 2);
  CHECK((here.content("out") == before));
  const Ran full =
      run("/bin/sh",  // a first save that does not fit
          {"-c",
           "trap '' XFSZ; ulimit -f 64; exec \"$0\" --data data --out out --overwrite --hidden 16,8 "
           "--batch 20",
           STRATA_TRAIN_MNIST},
          here.path());
  CHECK(full.status == 1);
  CHECK(lines_of(full.err).size() == 1);
  CHECK_THAT(full.err, Contains("cannot be written: File too large"));
  CHECK((here.content("out") == before));
  auto running = here.start({"--overwrite", "--epochs", "1000000", "--batch", "1", "--hidden", "2000,2000"});
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  running.reset();
  CHECK((here.content("out") == before));

  REQUIRE(here.train({"--overwrite", "--latent", "3"}).status == 0);
  const auto after = here.content("out");
  CHECK(after.size() == 9);  // no manifold, no generation before the first
  CHECK(after.at("notes.txt") == "mine");
  CHECK(!after.contains("generated"));
  for (const auto& [name, bytes] : after) CHECK(bytes != "old");
}

TEST_CASE("A failed start leaves nothing") {
  const ProgramFolder here;
  const auto before = here.content();
  CHECK(here.train({"--out", "new/deep/run", "--lr", "1e38"}).status == 2);
  CHECK((here.content() == before));
}

TEST_CASE("What a run wrote agrees: the model is that of the last line, and says so") {
  const ProgramFolder here;
  auto running = here.start({"--epochs", "1000000"});
  for (int look = 0; look < 20; ++look) {
    wait_for_save(here, "out");
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
    running->signal(SIGSTOP);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    const auto model = Safetensors::read(here / "out/model.safetensors");
    const auto epochs = std::stoul(model.metadata.at("trained_epochs"));
    const auto lines = lines_of(content_of(here / "out/metrics.csv")).size() - 1;
    CHECK((lines == epochs || lines + 1 == epochs));
    CHECK(model.metadata.at("trained_steps") == "0");
    running->signal(SIGCONT);
  }
}

TEST_CASE("Two runs are kept out of one folder, and a killed one does not keep it") {
  const ProgramFolder here;
  auto running = here.start({"--epochs", "1000000"});
  wait_for_save(here, "out");
  for (const Arguments& second : {Arguments{"--overwrite"}, Arguments{"--resume", "out"}, Arguments{}}) {
    const Ran ran = here.train(second);
    CHECK(ran.status == 2);
    CHECK_THAT(ran.err, Contains("out: another run is training in it"));
  }
  CHECK(here.read(STRATA_EVALUATE, {"--samples", "5"}).status == 0);
  CHECK(here.read(STRATA_GENERATE).status == 0);
  running.reset();
  CHECK(here.train({"--overwrite"}).status == 0);
}

TEST_CASE("A closed, full or abandoned standard output loses nothing") {
  const ProgramFolder here;
  REQUIRE(here.train({"--epochs", "2"}).status == 0);
  CHECK(here.train({"--epochs", "2", "--out", "closed"}, {.out = "closed"}).status == 0);
  CHECK(difference(here / "out", here / "closed") == "");

  const Ran full = here.train({"--epochs", "2", "--out", "full"}, {.out = "/dev/full"});
  CHECK(full.status == 1);
  CHECK(full.err == "train_mnist: cannot write to the standard output; is the disk full?\n");
  CHECK(difference(here / "out", here / "full") == "");

  REQUIRE(mkfifo((here / "pipe").c_str(), 0600) == 0);
  const int reader = open((here / "pipe").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  auto running = here.start({"--epochs", "200", "--out", "abandoned"}, {.out = here / "pipe"});
  wait_for_save(here, "abandoned");
  close(reader);
  CHECK(running->wait().status == 1);
  CHECK(lines_of(content_of(here / "abandoned/metrics.csv")).size() == 201);
}
