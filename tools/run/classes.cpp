#include "strata/tools/run/classes.hpp"

#include <algorithm>
#include <iomanip>
#include <sstream>

#include "strata/autograd/reduce.hpp"
#include "strata/vae/classification.hpp"

namespace strata::tools {
namespace {

template <class M> constexpr bool tells_classes = requires(const M& model) { model.classify(Var<float>()); };

}  // namespace

std::string class_measure(const Model& model) {
  return model.visit([]<class M>(const M&) -> std::string {
    if constexpr (!tells_classes<M>) return "";
    return std::is_same_v<M, M2<float>> ? "classification_error" : "cluster_accuracy";
  });
}

std::optional<ClassJudgement> judge_classes(const Model& model, const Batch<float>& images) {
  return model.visit([&]<class M>(const M& chosen) -> std::optional<ClassJudgement> {
    if constexpr (tells_classes<M>) {
      constexpr std::size_t together = 1000;
      if (!images.condition) return {};
      Tape<float> tape(Record::values);
      const auto labels = argmax(tape.reference(*images.condition));
      Tensor<float> probabilities;
      for (std::size_t first = 0; first < labels.size(); first += together) {
        const auto some = images.rows(first, std::min(first + together, labels.size()));
        tape.reset();
        const Tensor<float>& p = chosen.classify(tape.reference(some.x)).value();
        if (first == 0) probabilities = Tensor<float>::from_shape({labels.size(), p.shape(1)});
        xt::view(probabilities, xt::range(first, first + p.shape(0))) = p;
      }
      const bool labelled = std::is_same_v<M, M2<float>>;
      return ClassJudgement{class_measure(model), labelled ? error_rate(probabilities, labels)
                                                           : cluster_accuracy(probabilities, labels)};
    }
    return {};
  });
}

std::string to_string(const ClassJudgement& judgement) {
  std::string measure = judgement.measure;
  std::replace(measure.begin(), measure.end(), '_', ' ');
  std::ostringstream text;
  text << measure << ' ' << std::fixed << std::setprecision(2) << 100 * judgement.share << " %";
  return text.str();
}

}  // namespace strata::tools
