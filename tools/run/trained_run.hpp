// A trained run and its data: what evaluate and generate begin with, and train_mnist ends with.
#pragma once

#include "strata/tensor/parallel.hpp"
#include "strata/tools/pictures/model_pictures.hpp"
#include "strata/tools/run/command_line.hpp"
#include "strata/tools/run/run_folder.hpp"

namespace strata::tools {

/// The run, its data, and how to work on them.
struct TrainedRunOptions {
  std::string run;
  DataOptions data;
  std::uint64_t seed = 0;
  std::size_t threads = thread_count();
};

/// The folder of the run, --data, --no-download, --seed (of what `seed_meaning` says) and --threads.
void add_trained_run_options(CLI::App& app, TrainedRunOptions& options, const std::string& seed_meaning);

struct TrainedRun {
  Run run;
  ImageData data;
};

/// A run's model as it makes images: a second stage together with the first, whose likelihood and
/// binarisation are then those of the configuration. Throws where the two do not fit.
Run load_whole(const std::filesystem::path& folder);

/// Sets the threads and reads both.
TrainedRun open(const TrainedRunOptions& options, Group* group = nullptr);

/// Throws if the data are another set than the run was trained on, unless --data names them, and if their
/// images or labels do not fit its model.
void require_data(const Run& run, const ImageData& data, const DataOptions& options);

/// The first `count` test images, binarised as the configuration says with a stream of the seed's own.
Batch<float> test_batch(const Dataset& test, std::size_t count, const RunConfig& config, std::uint64_t seed);

/// How pictures of a run are drawn.
PictureOptions picture_options(const RunConfig& config, const ImageData& data, std::uint64_t seed);

/// Whether the model is made for labels.
bool reads_labels(const RunConfig& config);

/// Whether there is a manifold to show: one layer of two latents without labels, from N(0, I).
bool has_manifold(const RunConfig& config);

}  // namespace strata::tools
