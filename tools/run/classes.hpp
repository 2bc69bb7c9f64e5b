// How the classes or clusters of a model agree with labels.
#pragma once

#include <optional>
#include <string>

#include "strata/tools/run/model.hpp"
#include "strata/vae/batches.hpp"

namespace strata::tools {

/// What a model's classes are judged by: "classification_error" of m2, whose classes are those of the labels,
/// "cluster_accuracy" of others that have some (vae/classification.hpp), or nothing.
std::string class_measure(const Model& model);

/// The share of some images that it counts.
struct ClassJudgement {
  std::string measure;
  double share;
};

/// Of these images; nothing where the model has no classes or the images no labels.
std::optional<ClassJudgement> judge_classes(const Model& model, const Batch<float>& images);

/// "classification error 10.02 %"
std::string to_string(const ClassJudgement& judgement);

}  // namespace strata::tools
