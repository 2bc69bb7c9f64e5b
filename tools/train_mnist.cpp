// Trains a variational autoencoder on images and writes metrics, weights and pictures.
#include <algorithm>
#include <cmath>
#include <iostream>
#include <limits>

#include "strata/nn/checkpoint.hpp"
#include "strata/nn/summary.hpp"
#include "strata/tensor/io/png.hpp"
#include "strata/tensor/linalg.hpp"
#include "strata/tools/pictures/curves.hpp"
#include "strata/tools/pictures/model_pictures.hpp"
#include "strata/tools/run/classes.hpp"
#include "strata/tools/run/progress.hpp"
#include "strata/tools/run/run_state.hpp"
#include "strata/tools/run/stop_signals.hpp"
#include "strata/tools/run/trained_run.hpp"
#include "strata/tools/run/view.hpp"

namespace {

using namespace strata;
using namespace strata::tools;

struct Options {
  DataOptions data;
  std::string out = "runs/mnist", resume;
  bool overwrite = false;
  double checkpoint_minutes = 10;
  std::size_t threads = thread_count();
  RunConfig run;
};

void declare(CLI::App& app, Options& o) {
  add_data_options(app, o.data);
  auto* out = app.add_option("--out", o.out, "folder for metrics, weights and pictures")
                  ->check(not_empty)
                  ->capture_default_str();
  auto* over =
      app.add_flag("--overwrite", o.overwrite, "replace the run that --out holds")->configurable(false);
  app.add_option("--resume", o.resume, "go on with the run of this folder")
      ->excludes(out, over)
      ->configurable(false);
  app.add_option("--checkpoint-minutes", o.checkpoint_minutes, "save so often, not only after epochs")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  add_options(app, o.run);
  app.add_option("--threads", o.threads, "threads to use")->transform(whole_number)->capture_default_str();
}

void write_pictures(const Options& o, const RunFolder& folder, const RunState& state, const Model& model,
                    const ImageData& data) {
  if (state.trainer.epochs() > 0) write_png(folder / "curves.png", picture_curves(state.metrics.table()));
  if (!is_image(data.test)) return;
  const auto options = picture_options(o.run, data, o.run.seed);
  const auto few = test_batch(data.test, 64, o.run, o.run.seed);
  const auto all = test_batch(data.test, data.test.size(), o.run, o.run.seed);
  write_png(folder / "reconstructions.png", picture_reconstructions(model, few, options));
  write_png(folder / "samples.png", picture_samples(model, options));
  if (has_manifold(o.run))
    write_png(folder / "manifold.png", picture_manifold(model, o.run.manifold, options));
  write_png(folder / "latents.png", picture_latents(model, data.test, all, data.labels));
}

void save(RunFolder& folder, const Options& o, RunState& state, const ImageData& data) {
  Safetensors model = model_file(state.evaluated(), o.run, data), checkpoint;
  model.metadata["trained_epochs"] = std::to_string(state.trainer.epochs());
  model.metadata["trained_steps"] = std::to_string(state.trainer.steps());  // of the next epoch
  checkpoint.metadata = model.metadata;
  checkpoint.metadata["data"] = std::filesystem::absolute(data.path).string();
  checkpoint.metadata["blas"] = blas_description();
  store(state, checkpoint);
  folder.save(model, state.is_best(), state.metrics, state.events, checkpoint);
}

// The options with which the saved run goes on: its own, where those of the command line do not change it.
Options resumed(const CLI::App& app, Options o, const Safetensors& saved) {
  const auto& text = [&](const char* key) -> const std::string& {
    const auto found = saved.metadata.find(key);
    if (found == saved.metadata.end()) fail("resume", "the checkpoint does not tell its " + std::string(key));
    return found->second;
  };
  const auto number = [&](const char* name) {
    if (!saved.shape(name).empty()) fail("resume", std::string(name) + " is no number in the checkpoint");
    return saved.get<std::uint64_t>(name)();
  };
  const std::size_t threads = number("threads");
  if (app.count("--threads") > 0 && o.threads != threads)
    fail("resume", "--threads is " + std::to_string(o.threads) + ", and was " + std::to_string(threads) +
                       " when the run began; it goes on as it began");
  o.threads = threads;
  o.run = resumed(app, o.run, from_metadata(saved.metadata),
                  number("trainer.epochs") + (number("trainer.steps") > 0 ? 1 : 0));
  if (o.data.data.empty()) o.data.data = text("data");
  o.out = o.resume;
  if (text("blas") != blas_description())
    std::cerr << "the run was computed by " << text("blas") << " so far, and goes on with "
              << blas_description() << ": its numbers will agree within rounding, not to the last bit\n";
  return o;
}

// After a step: the loss, −ELBO, and its part that tells how far a reconstruction is from its image.
void record_step(RunState& state) {
  if (!is_round(state.steps(), 3)) return;
  const Metrics& metrics = state.step.metrics();
  state.events.scalar(state.steps(), "loss", -metrics.elbo());
  state.events.scalar(state.steps(), "accuracy error", -metrics.reconstruction);
}

// After an epoch: the newest line of metrics.csv, images and their reconstructions, weights and the last
// step's gradients.
void record_epoch(const Options& o, RunState& state, const ImageData& data) {
  const std::size_t epoch = state.trainer.epochs(), step = state.steps();
  if (is_round(epoch, 3)) state.events.scalars(step, state.metrics.table());
  if (!is_round(epoch, 2)) return;
  if (is_image(data.test)) {
    const auto few = test_batch(data.test, 64, o.run, o.run.seed);
    const auto [input, output] =
        picture_pairs(state.evaluated(), few, picture_options(o.run, data, o.run.seed));
    state.events.image(step, "input_image", input);
    state.events.image(step, "output_image", output);
  }
  state.events.histograms(step, state.model);
}

// The mean on images that no step has seen. Where it is not finite, as before the batch statistics of a deep
// hierarchy have settled, that is told and noted, and training goes on.
Metrics tested(const RunState& state, const Dataset& images, std::size_t layers) {
  try {
    return state.trainer.evaluate(state.evaluated(), images);
  } catch (const NonFinite& error) {
    std::cerr << "\n" << error.what() << "; training goes on\n";
    const double unknown = std::numeric_limits<double>::quiet_NaN();
    return {unknown, Layers<double>(layers, unknown)};
  }
}

void test_and_record(const Options& o, RunState& state, const Metrics& trained, const ImageData& data,
                     Progress& progress, Group* group) {
  const Metrics test = tested(state, data.test, trained.layer_kl.size());
  std::optional<Metrics> validated;
  if (data.validation) {
    validated = tested(state, *data.validation, trained.layer_kl.size());
    state.note_validation(validated->elbo());
  }
  Rng few_draws{0, 0, streams::posterior_means};  // for the progress of a run, not for a paper
  const auto some = test_batch(data.test, 1000, o.run, o.run.seed);
  std::optional<ClassJudgement> classes;
  if (!class_measure(state.model).empty() && std::isfinite(test.elbo()))
    classes = judge_classes(state.evaluated(), test_batch(data.test, data.test.size(), o.run, o.run.seed));
  const std::size_t epoch = state.trainer.epochs();
  state.metrics.record({epoch, trained, test, active_units(state.evaluated(), some, 4, few_draws, group),
                        state.step.learning_rate(epoch - 1), state.seconds,
                        1e3 * state.seconds / static_cast<double>(state.trainer.steps_per_epoch()), validated,
                        classes ? std::vector{classes->share} : std::vector<double>{}});
  state.seconds = 0;
  if (is_first(group)) record_epoch(o, state, data);
  progress.end_epoch(trained.elbo(), test.elbo(), test.reconstruction, test.kl(),  // last: it times all
                     validated ? std::optional(validated->elbo()) : std::nullopt,
                     classes ? to_string(*classes) : "");
}

// What all processes do after the same step: stop by a signal that one of them received (or 0), save by the
// first one's clock.
struct Decision {
  int signal;
  bool save;
};
Decision agreed(const Decision& own, Group* group) {
  if (group == nullptr) return own;
  std::vector<float> said(1 + group->size());
  said[0] = static_cast<float>(own.save && is_first(group));
  said[1 + group->rank()] = static_cast<float>(own.signal);
  group->sum(said);
  return {static_cast<int>(*std::max_element(said.begin() + 1, said.end())), said[0] > 0};
}

// Returns the exit status: 0, or that of the signal that stopped it. Of a group's processes the first alone
// writes.
int train(const CLI::App& app, Options o, Group* group) {
  // Everything that can be wrong with the request is found before the first file is written.
  StopSignals signals;
  std::optional<RunFolder> folder;
  Safetensors saved;
  if (!o.resume.empty()) {
    in_first(group, [&] { folder.emplace(o.resume, Existing::resume); });
    saved = newest_checkpoint(o.resume);
    o = resumed(app, o, saved);
  }
  require_possible(o.run);
  if (group && o.run.model == ModelKind::infinite)
    fail("model", "infinite counts the examples of one process, and cannot be shared; run it without mpirun");
  if (!o.run.features.empty()) o.run.features = std::filesystem::absolute(o.run.features);
  use_threads(o.threads);
  ImageData data = load(o.data, group);
  if (o.run.validation > 0) hold_out_validation(data, o.run.validation);
  const std::string description = describe(data);
  data.train = training_data(o.run, data.train);
  view(data, o.run);
  RunState state(o.run, data.train, group);
  if (!o.resume.empty()) {
    if (saved.metadata["data_checksum"] != data.checksum)
      fail("resume", "the run was trained on other images than those of " + data.path.string() +
                         "; name these by --data");
    restore(state, saved);
    in_first(group, [&] { folder->go_on(state.events); });
  } else {
    in_first(group, [&] { folder.emplace(o.out, o.overwrite ? Existing::replace : Existing::refuse); });
  }

  std::cerr << data.notes;
  std::cout << description << "\n\n" << summary(state.model) << "\n";
  if (!o.resume.empty()) std::cout << "goes on " << state.place() << "\n";
  std::cout.flush();
  const auto& trainer = state.trainer;
  Progress progress(std::cout, group == nullptr && is_terminal(stdout), o.run.epochs,
                    trainer.steps_per_epoch(),
                    {.first_epoch = trainer.epochs() + 1, .first_step = trainer.steps()});
  signals.wait_for_step();
  int stopped = 0;
  for (double last_save = steady_seconds(); !state.ended(o.run) && stopped == 0;) {
    const double start = steady_seconds();
    const std::size_t done = trainer.steps() + 1;
    const Metrics so_far = state.run_step();
    const double now = steady_seconds();
    state.seconds += now - start;
    progress.step(done, so_far.elbo(), so_far.reconstruction, so_far.kl());
    const bool ended = trainer.steps() == 0;
    if (is_first(group)) record_step(state);
    if (ended) test_and_record(o, state, so_far, data, progress, group);
    const bool due = ended || now - last_save >= 60 * o.checkpoint_minutes;
    const auto [signal, saves] = agreed({signals.received(), due}, group);
    stopped = signal;
    if (stopped == 0 && !saves) continue;
    in_first(group, [&] { save(*folder, o, state, data); });
    last_save = steady_seconds();
  }
  if (stopped != 0) {
    std::cout << "\nstopped " << state.place() << "; go on with: train_mnist --resume " << o.out << std::endl;
    signals.end_within(2);
  }
  const bool chosen = state.best && state.best->epoch > 0;
  if (chosen)
    std::cout << "\nbest.safetensors is of epoch " << state.best->epoch << ", validation ELBO "
              << state.best->elbo
              << (trainer.epochs() < o.run.epochs && stopped == 0
                      ? "; stopped early, since " + std::to_string(o.run.early_stopping) +
                            " epochs brought no better"
                      : "")
              << "\n";
  in_first(group, [&] {
    write_pictures(o, *folder, state, chosen ? load_run(o.out).model : state.evaluated(), data);
  });
  if (stopped != 0) return 128 + stopped;
  std::cout << "\nwritten to " << o.out
            << ": metrics.csv, events.tfevents, model.safetensors, checkpoint.safetensors and pictures\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Trains a variational autoencoder of one or many stochastic layers.");
  Options options;
  declare(app, options);
  int status = 0;
  const int failed = run_program(app, argc, argv, [&](Group* group) { status = train(app, options, group); });
  return failed == 0 ? status : failed;
}
