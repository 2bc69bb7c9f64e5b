#include "nn/rules.hpp"

#include "nn/names.hpp"

namespace strata {
namespace {

const Names<Rule, 7> names = {{{Adam{}, "adam"},
                               {AdamW{}, "adamw"},
                               {Sgd{}, "sgd"},
                               {Momentum{}, "momentum"},
                               {Nesterov{}, "nesterov"},
                               {RmsProp{}, "rmsprop"},
                               {AdaGrad{}, "adagrad"}}};  // in the variant's order

}  // namespace

Rule parse_rule(const std::string& name) { return parse_name("optimizer", names, name); }

std::string to_string(const Rule& rule) { return names[rule.index()].second; }

}  // namespace strata
