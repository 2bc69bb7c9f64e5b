#include "nn/rules.hpp"

#include <array>
#include <utility>

namespace strata {
namespace {

const std::array<std::pair<const char*, Rule>, 7>& named_rules() {
  static const std::array<std::pair<const char*, Rule>, 7> rules = {{{"adam", Adam{}},
                                                                     {"adamw", AdamW{}},
                                                                     {"sgd", Sgd{}},
                                                                     {"momentum", Momentum{}},
                                                                     {"nesterov", Nesterov{}},
                                                                     {"rmsprop", RmsProp{}},
                                                                     {"adagrad", AdaGrad{}}}};
  return rules;
}

}  // namespace

Rule parse_rule(const std::string& name) {
  std::string all;
  for (const auto& [known, rule] : named_rules()) {
    if (name == known) return rule;
    all += (all.empty() ? "" : ", ") + std::string(known);
  }
  fail("optimizer", "'" + name + "' is unknown; there are " + all);
}

std::string to_string(const Rule& rule) { return named_rules()[rule.index()].first; }

}  // namespace strata
