#include "tools/run_folder.hpp"

#include "tensor/io/file.hpp"

namespace strata::tools {

RunFolder::RunFolder(std::filesystem::path folder, bool overwrite) : folder_(std::move(folder)) {
  const auto metrics = folder_ / "metrics.csv";
  if (std::filesystem::exists(metrics) && !overwrite)
    fail_file("run", folder_,
              "it holds a run already (metrics.csv); choose another --out, or give --overwrite");
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) fail_file("run", folder_, "cannot make the folder: " + error.message());
  metrics_.open(metrics, std::ios::trunc);
  metrics_ << "epoch,train_elbo,test_elbo,test_reconstruction,test_kl,learning_rate,seconds,step_ms"
           << std::endl;
  if (!metrics_) fail_file("run", metrics, "cannot write; is the folder writable?");
}

void RunFolder::record(const EpochRecord& r) {
  metrics_ << r.epoch << ',' << r.train_elbo << ',' << r.test_elbo << ',' << r.test_reconstruction << ','
           << r.test_kl << ',' << r.learning_rate << ',' << r.seconds << ',' << r.step_ms << std::endl;
  if (!metrics_) fail_file("run", folder_ / "metrics.csv", "cannot write; is the disk full?");
}

}  // namespace strata::tools
