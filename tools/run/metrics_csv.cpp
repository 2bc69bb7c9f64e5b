#include "strata/tools/run/metrics_csv.hpp"

#include "strata/tensor/io/file.hpp"

namespace strata::tools {

MetricsCsv::MetricsCsv(std::filesystem::path file, std::size_t layers)
    : path_(std::move(file)), file_(path_, std::ios::trunc) {
  file_ << "epoch,train_elbo,test_elbo,test_reconstruction,test_kl,learning_rate,seconds,step_ms";
  for (std::size_t t = 1; t <= layers; ++t) file_ << ",kl_" << t;
  for (std::size_t t = 1; t <= layers; ++t) file_ << ",active_" << t;
  file_ << std::endl;
  if (!file_) fail_file("run", path_, "cannot write; is the folder writable?");
}

void MetricsCsv::record(const EpochRecord& r) {
  file_ << r.epoch << ',' << r.train.elbo() << ',' << r.test.elbo() << ',' << r.test.reconstruction << ','
        << r.test.kl() << ',' << r.learning_rate << ',' << r.seconds << ',' << r.step_ms;
  for (const double kl : r.test.layer_kl) file_ << ',' << kl;
  for (const std::size_t units : r.active_units) file_ << ',' << units;
  file_ << std::endl;
  if (!file_) fail_file("run", path_, "cannot write; is the disk full?");
}

}  // namespace strata::tools
