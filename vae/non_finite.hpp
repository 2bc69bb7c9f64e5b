// What the messages of non-finite numbers call the parts of a latent variable model.
#pragma once

#include "strata/autograd/non_finite.hpp"
#include "strata/nn/fields.hpp"
#include "strata/vae/batches.hpp"

namespace strata {

/// The terms of a pass: the reconstruction, each layer's KL, log_q and log_p, and the penalty.
template <class T> std::vector<std::pair<std::string, Var<T>>> terms(const Pass<T>& pass);

/// The names of the tensors of a batch and of modules, and of a pass's terms.
template <class T, class... Module>
Names<T> names_of(const Batch<T>& batch, const Pass<T>& pass, const Module&... modules) {
  Names<T> names{paths(modules...), terms(pass)};
  names.tensors[&batch.x.value()] = "data";
  if (batch.condition) names.tensors[&batch.condition->value()] = "condition";
  return names;
}

/// Throws NonFinite "fact: ..." with what `explain_non_finite` says of the tape.
template <class T>
[[noreturn]] void fail_non_finite(const std::string& fact, Tape<T>& tape, const Names<T>& names);

}  // namespace strata
