#include "strata/vae/non_finite.hpp"

namespace strata {

template <class T> std::vector<std::pair<std::string, Var<T>>> terms(const Pass<T>& pass) {
  std::vector<std::pair<std::string, Var<T>>> all;
  const auto add = [&](const std::string& name, Var<T> term) {
    if (term) all.emplace_back(name, term);
  };
  add("the reconstruction", pass.log_likelihood);
  for (std::size_t t = 0; t < pass.layers.size(); ++t) {
    const std::string of_layer = " of layer " + std::to_string(t + 1);
    add("the KL" + of_layer, pass.layers[t].kl);
    add("log_q" + of_layer, pass.layers[t].log_q);
    add("log_p" + of_layer, pass.layers[t].log_p);
  }
  add("the penalty", pass.penalty);
  return all;
}

template <class T> void fail_non_finite(const std::string& fact, Tape<T>& tape, const Names<T>& names) {
  const std::string why = explain_non_finite(tape, names);
  throw NonFinite(fact + (why.empty() ? "" : ": ") + why);
}

#define STRATA_INSTANTIATE(T)                                                 \
  template std::vector<std::pair<std::string, Var<T>>> terms(const Pass<T>&); \
  template void fail_non_finite(const std::string&, Tape<T>&, const Names<T>&);
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)

}  // namespace strata
