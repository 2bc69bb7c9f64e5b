#include "strata/tools/run/run_folder.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "strata/nn/checkpoint.hpp"
#include "strata/tools/run/numbers.hpp"

namespace strata::tools {
namespace {

namespace fs = std::filesystem;

constexpr const char *model_name = "model.safetensors", *metrics_name = "metrics.csv",
                     *events_name = "events.tfevents", *checkpoint_name = "checkpoint.safetensors",
                     *best_name = "best.safetensors";
// In this order; the last is not in every save.
constexpr std::array saved_names = {model_name, metrics_name, events_name, checkpoint_name, best_name};
// All that belongs to a run, beside files of these names that were not finished.
constexpr std::array run_names = {model_name,      metrics_name,
                                  events_name,     checkpoint_name,
                                  best_name,       "checkpoint.previous.safetensors",
                                  "curves.png",    "reconstructions.png",
                                  "samples.png",   "latents.png",
                                  "manifold.png",  "generated",
                                  evaluation_name, report_name};
// Where a first save is made, and what that is called when it is complete.
constexpr const char *starting = "starting.tmp", *complete = "complete.tmp";
constexpr const char* format_key = "strata.model";
constexpr const char* format_value = "vae";
constexpr const char* older_format_value = "markov_hvae";  // of the same model, before it had its short name

template <class Names> bool contains(const Names& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Calls change(error code); an error is a WriteFailure that names the file.
template <class F> void change(const fs::path& file, F change) {
  std::error_code error;
  change(error);
  if (error) fail_write("run", file, error);
}
void remove_whole(const fs::path& file) {
  change(file, [&](std::error_code& error) { fs::remove_all(file, error); });
}
void move_to(const fs::path& to, const fs::path& from) {
  change(to, [&](std::error_code& error) { fs::rename(from, to, error); });
}

// Removes what belongs to a run and `remove`(its name, whether it is a file that was not finished) wants
// away.
template <class F> void remove_entries(const fs::path& folder, F remove) {
  std::vector<fs::path> entries;
  change(folder, [&](std::error_code& error) {
    for (const auto& entry : fs::directory_iterator(folder, error)) entries.push_back(entry.path());
  });
  for (const fs::path& entry : entries) {
    const std::string name = entry.filename();
    const auto cut = name.rfind(".tmp");
    const bool unfinished = cut != std::string::npos && contains(run_names, name.substr(0, cut));
    if ((unfinished || contains(run_names, name)) && remove(name, unfinished)) remove_whole(entry);
  }
}

// A complete first save takes the place of what the folder held; wherever this was interrupted before, it can
// be done again.
void publish(const fs::path& folder) {
  const bool begun = !fs::exists(folder / complete / model_name);
  remove_entries(folder, [&](const std::string& name, bool) {
    return !contains(saved_names, name) || (name == best_name && !begun);
  });
  for (const char* name : saved_names)
    if (fs::exists(folder / complete / name)) move_to(folder / name, folder / complete / name);
  remove_whole(folder / complete);
}

}  // namespace

RunFolder::Made::Made(const fs::path& folder) {
  std::error_code error;
  for (fs::path part = fs::absolute(folder).lexically_normal(); !fs::exists(part, error) && !error;
       part = part.parent_path())
    if (part.has_filename()) folders.push_back(part);
  fs::create_directories(folder, error);
  if (!error && ::access(folder.c_str(), W_OK | X_OK) != 0) error = {errno, std::generic_category()};
  if (error) fail_write("run", folder, error);
}

RunFolder::Made::~Made() {
  std::error_code ignored;
  for (const fs::path& folder : folders) fs::remove(folder, ignored);  // which fails where it is not empty
}

// The system unlocks what a process that ended had locked, however it ended.
RunFolder::Lock::Lock(const fs::path& folder)
    : descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
  if (descriptor == -1) fail_write("run", folder, {errno, std::generic_category()});
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
  ::close(descriptor);
  fail_file("run", folder, "another run is training in it; wait for its end, or choose another --out");
}

RunFolder::Lock::~Lock() { ::close(descriptor); }

RunFolder::RunFolder(fs::path folder, Existing existing)
    : folder_(std::move(folder)), made_(folder_), lock_(folder_) {
  if (fs::exists(folder_ / complete)) publish(folder_);
  for (const char* name : run_names)
    if (existing == Existing::refuse && fs::symlink_status(folder_ / name).type() != fs::file_type::not_found)
      fail_file("run", folder_,
                "it holds a run already (" + std::string(name) +
                    "); go on with that by --resume, choose another --out, or give --overwrite");
  if (existing == Existing::resume) {
    for (const char* name : run_names)  // whose file, which may be anyone's, would be written
      if (fs::is_symlink(folder_ / name))
        fail_file("run", folder_ / name, "is a link, which is not followed; put the file itself there");
    saved_ = true;
    remove_entries(folder_, [](const std::string&, bool unfinished) { return unfinished; });
  }
  remove_whole(folder_ / starting);
}

RunFolder::~RunFolder() {
  std::error_code ignored;
  fs::remove_all(folder_ / starting, ignored);
}

void RunFolder::go_on(Events& events) const { events.go_on(folder_ / events_name); }

void RunFolder::save(const Safetensors& model, bool best, const MetricsCsv& metrics, Events& events,
                     const Safetensors& checkpoint) {
  const fs::path to = saved_ ? folder_ : folder_ / starting;
  if (!saved_) change(to, [&](std::error_code& error) { fs::create_directory(to, error); });
  model.write(to / model_name);
  if (best) model.write(to / best_name);
  metrics.write(to / metrics_name);
  events.write(to / events_name);
  checkpoint.write(to / checkpoint_name, Replaced::kept);
  if (saved_) return;
  move_to(folder_ / complete, to);
  publish(folder_);
  saved_ = true;
}

Safetensors newest_checkpoint(const fs::path& folder) {
  return Safetensors::read_newest(folder / checkpoint_name);
}

fs::path own_file(const fs::path& folder, const std::string& name) {
  const fs::path file = folder / name;
  if (fs::is_symlink(file)) fs::remove(file);
  return file;
}

Safetensors model_file(const Model& model, const RunConfig& config, const ImageData& data) {
  Safetensors file;
  file.metadata = to_metadata(config);
  file.metadata[format_key] = format_value;
  file.metadata["data_set"] = data.name;
  file.metadata["data_checksum"] = data.checksum;
  file.metadata["labels"] = std::to_string(data.train.classes);
  store(model, file);
  return file;
}

std::string choice_of(const Run& run) {
  return run.file == best_name ? run.file + ", of epoch " + run.epochs + " by its validation" : "";
}

Run load_run(const std::filesystem::path& folder) {
  const char* const name = fs::exists(folder / best_name) ? best_name : model_name;
  const auto path = folder / name;
  const auto file = Safetensors::read(path);
  file.require_finite();
  const auto text = [&](const std::string& key, const std::string& otherwise = "") {
    const auto found = file.metadata.find(key);
    return found == file.metadata.end() ? otherwise : found->second;
  };
  const std::string format = text(format_key);
  if (format.empty() || text("data_set").empty())
    fail_file("load_run", path, "its metadata do not describe a model of train_mnist");
  if (format != format_value && format != older_format_value)
    fail_file("load_run", path,
              "its model is '" + format + "', not '" + format_value + "'; another program wrote it");
  try {
    const RunConfig config = from_metadata(file.metadata);
    const std::string of = config.model == ModelKind::infinite ? "components.0." : "";
    const Shape& output = file.shape(of + "decoder.output.bias");
    if (output.size() != 1) fail("load_run", "'decoder.output.bias' is " + to_string(output) + ", not a row");
    std::size_t labels = 0;
    if (!read_number(text("labels", "10"), labels))
      fail("labels", "'" + text("labels") + "' is no whole number");
    if (least_bytes(config, output[0], labels) > static_cast<double>(std::filesystem::file_size(path)))
      throw std::runtime_error("its metadata describe a larger model than it holds");
    Rng rng;
    Run run{config,
            name,
            text("trained_epochs"),
            text("data_set"),
            text("data_checksum"),
            output[0],
            labels,
            make_model(config, output[0], labels, rng)};
    restore(run.model, file);
    run.model.visit([](auto& model) {
      if constexpr (requires { model.encode_prior(); }) model.encode_prior();
    });
    return run;
  } catch (const std::exception& error) {
    fail_file("load_run", path, error.what());
  }
}

}  // namespace strata::tools
