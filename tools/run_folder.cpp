#include "tools/run_folder.hpp"

#include "nn/checkpoint.hpp"
#include "tensor/io/file.hpp"

namespace strata::tools {
namespace {

constexpr const char* model_file = "model.safetensors";
constexpr const char* format_key = "strata.model";
constexpr const char* format_value = "markov_hvae";

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
  metrics_.open(metrics, std::ios::trunc);
  metrics_ << "epoch,train_elbo,test_elbo,test_reconstruction,test_kl,learning_rate,seconds,step_ms";
  for (std::size_t t = 1; t <= layers; ++t) metrics_ << ",kl_" << t;
  for (std::size_t t = 1; t <= layers; ++t) metrics_ << ",active_" << t;
  metrics_ << std::endl;
  if (!metrics_) fail_file("run", metrics, "cannot write; is the folder writable?");
}

void RunFolder::record(const EpochRecord& r) {
  metrics_ << r.epoch << ',' << r.train.elbo() << ',' << r.test.elbo() << ',' << r.test.reconstruction << ','
           << r.test.kl() << ',' << r.learning_rate << ',' << r.seconds << ',' << r.step_ms;
  for (const double kl : r.test.layer_kl) metrics_ << ',' << kl;
  for (const std::size_t units : r.active_units) metrics_ << ',' << units;
  metrics_ << std::endl;
  if (!metrics_) fail_file("run", folder_ / "metrics.csv", "cannot write; is the disk full?");
}

void RunFolder::save(const MarkovHvae<float>& model, const RunConfig& config,
                     const std::string& data_set) const {
  Safetensors file;
  file.metadata = to_metadata(config);
  file.metadata[format_key] = format_value;
  file.metadata["data_set"] = data_set;
  store(model, file);
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
    Run run{config, data_set->second, MarkovHvae<float>(model_config(config, output[0]), rng)};
    restore(run.model, file);
    return run;
  } catch (const std::exception& error) {
    fail_file("load_run", path, error.what());
  }
}

}  // namespace strata::tools
