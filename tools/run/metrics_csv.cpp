#include "strata/tools/run/metrics_csv.hpp"

#include <sstream>

#include "strata/tensor/io/file.hpp"

namespace strata::tools {

MetricsCsv::MetricsCsv(std::size_t layers, bool validation)
    : text_("epoch,train_elbo,test_elbo,test_reconstruction,test_kl,learning_rate,seconds,step_ms") {
  for (std::size_t t = 1; t <= layers; ++t) text_ += ",kl_" + std::to_string(t);
  for (std::size_t t = 1; t <= layers; ++t) text_ += ",active_" + std::to_string(t);
  if (validation) text_ += ",validation_elbo,validation_reconstruction,validation_kl";
  text_ += '\n';
}

void MetricsCsv::record(const EpochRecord& r) {
  std::ostringstream line;
  line << r.epoch << ',' << r.train.elbo() << ',' << r.test.elbo() << ',' << r.test.reconstruction << ','
       << r.test.kl() << ',' << r.learning_rate << ',' << r.seconds << ',' << r.step_ms;
  for (const double kl : r.test.layer_kl) line << ',' << kl;
  for (const std::size_t units : r.active_units) line << ',' << units;
  if (const auto& v = r.validation) line << ',' << v->elbo() << ',' << v->reconstruction << ',' << v->kl();
  text_ += line.str() + '\n';
}

void MetricsCsv::write(const std::filesystem::path& file) const { write_atomically(file, text_, "run"); }

}  // namespace strata::tools
