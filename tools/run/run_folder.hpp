// What train_mnist writes and evaluate and generate read: one folder a run.
#pragma once

#include <filesystem>
#include <vector>

#include "strata/tensor/io/safetensors.hpp"
#include "strata/tools/data/image_data.hpp"
#include "strata/tools/run/events.hpp"
#include "strata/tools/run/metrics_csv.hpp"
#include "strata/tools/run/run_config.hpp"

namespace strata::tools {

/// What to do about the run that a folder holds.
enum class Existing { refuse, replace, resume };

/// A run being written. Its folder is its own: another run, in any process, is refused meanwhile, and a
/// process that died holds nothing. A run's first save is made aside and takes the place of the old run, with
/// all that belongs to that, only when it is complete; a run that ends before leaves everything as it was.
class RunFolder {
 public:
  /// Makes the folder. Throws std::runtime_error, changing nothing, where a run is there already, or is not;
  /// WriteFailure if the folder cannot be made or written to.
  RunFolder(std::filesystem::path folder, Existing existing);
  ~RunFolder();

  std::filesystem::path operator/(const std::string& file) const { return folder_ / file; }

  /// Writes model.safetensors, which is best.safetensors too if it is the best so far, metrics.csv, what is
  /// new of events.tfevents, and checkpoint.safetensors, in this order; the checkpoint before becomes
  /// checkpoint.previous.safetensors. Throws WriteFailure.
  void save(const Safetensors& model, bool best, const MetricsCsv& metrics, Events& events,
            const Safetensors& checkpoint);

  /// After the state was restored: its events go on in the run's file.
  void go_on(Events& events) const;

 private:
  // Folders that were made for the run: they go again if nothing comes into them.
  struct Made {
    std::vector<std::filesystem::path> folders;  // innermost first
    explicit Made(const std::filesystem::path& folder);
    ~Made();
  };
  // The folder, open and locked.
  struct Lock {
    int descriptor;
    explicit Lock(const std::filesystem::path& folder);
    ~Lock();
  };

  std::filesystem::path folder_;
  Made made_;
  Lock lock_;
  bool saved_ = false;
};

/// The newest state that was saved in a run's folder and can be read.
Safetensors newest_checkpoint(const std::filesystem::path& folder);

/// What other programs leave in a run's folder, beside `generated`.
inline constexpr const char *evaluation_name = "evaluation.json", *report_name = "report.html";

/// Where to write such a file: what a stranger's run holds may be a link to anything, and such a link is
/// removed.
std::filesystem::path own_file(const std::filesystem::path& folder, const std::string& name);

/// What model.safetensors holds: the weights to evaluate, and as metadata the configuration, and the data
/// set's name, checksum and number of labels.
Safetensors model_file(const Model& model, const RunConfig& config, const ImageData& data);

/// A finished run.
struct Run {
  RunConfig config;
  std::string file;                     // which it is read from: best.safetensors, where there is one
  std::string epochs;                   // after so many, or "" where it is not known
  std::string data_set, data_checksum;  // what it was trained on; "" for a checksum that is not known
  std::size_t pixels, labels;           // of these data
  Model model;  // of the averaged weights, where there are any; a prior of pseudo-inputs is encoded
};

/// "best.safetensors, of epoch 7 by its validation", or nothing for a model that is no such choice.
std::string choice_of(const Run& run);

/// Reads folder/best.safetensors or, where there is none, model.safetensors. Throws for a missing or foreign
/// file, and names it.
Run load_run(const std::filesystem::path& folder);

}  // namespace strata::tools
