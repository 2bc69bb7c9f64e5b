#include "strata/tools/run/run_folder.hpp"

#include "strata/nn/checkpoint.hpp"
#include "strata/tensor/io/file.hpp"

namespace strata::tools {
namespace {

constexpr const char* model_file = "model.safetensors";
constexpr const char* format_key = "strata.model";
constexpr const char* format_value = "vae";
constexpr std::size_t mnist_classes = 10;

// What the file holds.
template <class Model, class Ema> struct Weights {
  Model& model;
  Ema& ema;

  static void fields(auto& self, auto&& visit) {
    visit("", self.model);
    visit("ema", self.ema);
  }
};

}  // namespace

RunFolder::RunFolder(std::filesystem::path folder, std::size_t layers, bool overwrite)
    : folder_(std::move(folder)) {
  const auto metrics = folder_ / "metrics.csv";
  if (std::filesystem::exists(metrics) && !overwrite)
    fail_file("run", folder_,
              "it holds a run already (metrics.csv); choose another --out, or give --overwrite");
  std::error_code error;
  for (const char* file : {model_file, "reconstructions.png", "samples.png", "latents.png", "manifold.png"}) {
    std::filesystem::remove(folder_ / file, error);
    if (error) fail_file("run", folder_ / file, "cannot remove it: " + error.message());
  }
  std::filesystem::create_directories(folder_, error);
  if (error) fail_file("run", folder_, "cannot make the folder: " + error.message());
  metrics_.emplace(metrics, layers);
}

void RunFolder::save(const Vae<float>& model, const Average& average, const RunConfig& config,
                     const std::string& data_set) const {
  Safetensors file;
  file.metadata = to_metadata(config);
  file.metadata[format_key] = format_value;
  file.metadata["data_set"] = data_set;
  store(Weights{model, average}, file);
  file.write(folder_ / model_file);
}

Run load_run(const std::filesystem::path& folder) {
  const auto path = folder / model_file;
  const auto file = Safetensors::read(path);
  const auto format = file.metadata.find(format_key), data_set = file.metadata.find("data_set");
  if (format == file.metadata.end() || format->second != format_value || data_set == file.metadata.end())
    fail_file("load_run", path, "its metadata do not describe a model of train_mnist");
  try {
    const RunConfig config = from_metadata(file.metadata);
    const Shape& output = file.shape("decoder.output.bias");
    if (output.size() != 1) fail("load_run", "'decoder.output.bias' is " + to_string(output) + ", not a row");
    Rng rng;
    Run run{config, data_set->second, Vae<float>(model_config(config, output[0], mnist_classes), rng)};
    Average average;
    if (config.ema > 0) average.emplace(run.model, config.ema);
    Weights weights{run.model, average};
    restore(weights, file);
    if (average) run.model = average->average;
    return run;
  } catch (const std::exception& error) {
    fail_file("load_run", path, error.what());
  }
}

}  // namespace strata::tools
