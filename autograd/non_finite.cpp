#include "strata/autograd/non_finite.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

namespace strata {
namespace {

// The numbers of a tensor: how many are NaN, ∞ and −∞, and from where to where the others reach.
template <class T> struct Range {
  explicit Range(const Tensor<T>& tensor) : x(tensor) {
    for (const T v : x) {
      if (std::isfinite(v)) {
        least = std::min(least, v);
        largest = std::max(largest, v);
      } else {
        ++(std::isnan(v) ? nan : v > 0 ? infinite : minus_infinite);
      }
    }
  }

  bool all_finite() const { return nan + infinite + minus_infinite == 0; }
  bool within(T limit) const { return all_finite() && -limit <= least && largest <= limit; }

  // "NaN in 2 and ∞ in 1 of 12 values"
  std::string wrong() const {
    std::string text;
    const auto add = [&](const char* what, std::size_t count) {
      if (count > 0) text += (text.empty() ? "" : " and ") + (what + (" in " + std::to_string(count)));
    };
    add("NaN", nan);
    add("∞", infinite);
    add("−∞", minus_infinite);
    return text + " of " + std::to_string(x.size()) + (x.size() == 1 ? " value" : " values");
  }

  // "(3, 4) from 0 to 2.5, NaN in 2 of 12 values"
  std::string words() const {
    std::ostringstream text;
    text.precision(4);
    text << to_string(x.shape());
    if (least <= largest) text << " from " << least << " to " << largest;
    if (!all_finite()) text << ", " << wrong();
    return text.str();
  }

  const Tensor<T>& x;
  T least = std::numeric_limits<T>::infinity(), largest = -least;
  std::size_t nan = 0, infinite = 0, minus_infinite = 0;
};

// "a, b and c"
std::string list(const std::vector<std::string>& items) {
  std::string text;
  for (std::size_t i = 0; i < items.size(); ++i)
    text += (i == 0 ? "" : i + 1 == items.size() ? " and " : ", ") + items[i];
  return text;
}

std::string quoted(const std::string& name) { return "`" + name + "`"; }

template <class T> class Search {
 public:
  Search(Tape<T>& tape, const Names<T>& names, T largest) : tape_(tape), names_(names), largest_(largest) {
    for (std::size_t i = 0; i < tape.size(); ++i) {
      current_.push_back(tape.is_current(i));
      finite_.push_back(!current_[i] || Range(tape[i].value()).all_finite());
    }
  }

  std::optional<Origin<T>> origin() {
    const Var<T> start = tape_.backward_start();
    std::size_t first = source(start);
    for (const auto& [name, term] : names_.terms)
      if (tape_.holds(term)) first = std::min(first, source(term));
    if (first == none() && start)
      if (auto found = derivative()) return found;
    for (std::size_t i = none(), end = start ? start.index() + 1 : 0; first == none() && i-- > end;)
      first = source(tape_[i]);
    if (first == none()) return {};
    return Origin<T>{tape_[first]};
  }

  std::string words(const Origin<T>& origin) const {
    const std::size_t at = origin.result.index();
    const Range range(origin.input ? origin.gradient : origin.result.value());
    const std::string wrong = range.wrong();
    if (origin.input)
      return "the derivative of " + operation(at) + " makes of a gradient " +
             Range(origin.result.grad()).words() + " one " +
             (range.all_finite() ? range.words() : "that is " + wrong) + "; it reads " + inputs(at) +
             terms(at, [](std::size_t) { return true; });
    const std::string end = terms(at, [&](std::size_t i) { return !finite_[i]; });
    if (tape_.inputs(at).empty()) return name(at) + " is " + wrong + end;
    return operation(at) + " is " + wrong + ", though all that it reads is finite: " + inputs(at) + end;
  }

 private:
  std::size_t none() const { return tape_.size(); }

  // Which tensors lead to the i-th, itself included: through such alone as f(j) holds for.
  template <class F> std::vector<bool> ancestors(std::size_t i, F f) const {
    std::vector<bool> found(tape_.size(), false);
    found[i] = true;
    for (std::size_t j = i + 1; j-- > 0;)
      if (found[j])
        for (const std::uint32_t input : tape_.inputs(j)) found[input] = found[input] || f(input);
    return found;
  }

  // The first tensor that is not finite and leads to y through such alone.
  std::size_t source(Var<T> y) const {
    if (!y || finite_[y.index()]) return none();
    const auto found = ancestors(y.index(), [&](std::size_t i) { return !finite_[i]; });
    return static_cast<std::size_t>(std::find(found.begin(), found.end(), true) - found.begin());
  }

  std::optional<Origin<T>> derivative() {
    if (std::find(current_.begin(), current_.end(), false) != current_.end()) return {};
    Origin<T> origin;
    origin.result = tape_.repeat_backward([&](Var<T> y) {
      for (const std::uint32_t i : tape_.inputs(y.index())) {
        const Var<T> input = tape_[i];
        if (!input.has_grad() || Range(input.grad()).within(largest_)) continue;
        origin.input = input;
        origin.gradient = input.grad();
      }
      return static_cast<bool>(origin.input);
    });
    if (!origin.input) return {};
    return origin;
  }

  // The path of a tensor outside the tape, or nothing.
  std::string path(std::size_t i) const {
    const auto found = names_.tensors.find(&tape_[i].value());  // by its address alone
    return found == names_.tensors.end() ? "" : found->second;
  }

  // The module whose tensor the i-th operation reads: "decoder.output" of "decoder.output.weight"; or
  // nothing.
  std::string module(std::size_t i) const {
    for (const std::uint32_t input : tape_.inputs(i)) {
      const std::string whole = path(input);
      if (const std::size_t dot = whole.rfind('.'); dot != std::string::npos)
        return quoted(whole.substr(0, dot));
    }
    return "";
  }

  // The modules that lead to the i-th with no other in between, the last ones first.
  std::vector<std::string> modules_before(std::size_t i) const {
    constexpr std::size_t most = 3;
    std::vector<std::string> found;
    const auto way = ancestors(i, [&](std::size_t j) { return module(j).empty(); });
    for (std::size_t j = i + 1; j-- > 0 && found.size() < most;)
      for (std::size_t k = 0; way[j] && k < tape_.inputs(j).size(); ++k) {
        const std::string before = module(tape_.inputs(j)[k]);
        if (!before.empty() && std::find(found.begin(), found.end(), before) == found.end())
          found.push_back(before);
      }
    return found;
  }

  // "`affine` of `decoder.output`", or "`exp`"
  std::string operation(std::size_t i) const {
    const std::string own = module(i);
    return quoted(tape_.operation(i)) + (own.empty() ? "" : " of " + own);
  }

  // The same, or "`exp` after `scale`", or "`decoder.output.weight`"
  std::string name(std::size_t i) const {
    if (const std::string whole = path(i); !whole.empty()) return quoted(whole);
    const auto before = modules_before(i);
    return operation(i) + (module(i).empty() && !before.empty() ? " after " + list(before) : "");
  }

  std::string inputs(std::size_t i) const {
    std::vector<std::string> items;
    for (const std::uint32_t input : tape_.inputs(i))
      items.push_back(name(input) + " " +
                      (current_[input] ? Range(tape_[input].value()).words() : "changed since"));
    return list(items);
  }

  // The terms to which the i-th tensor leads through such as f(j) holds for.
  template <class F> std::string terms(std::size_t i, F f) const {
    std::vector<std::string> reached;
    for (const auto& [name, term] : names_.terms)
      if (tape_.holds(term) && f(term.index()) && ancestors(term.index(), f)[i]) reached.push_back(name);
    if (reached.empty()) return "";
    return "; it goes into " +
           (reached.size() > 2 && reached.size() == names_.terms.size() ? "every term" : list(reached));
  }

  Tape<T>& tape_;
  const Names<T>& names_;
  T largest_;                  // of gradients
  std::vector<bool> current_;  // not a reference to what was changed since, or is no more
  std::vector<bool> finite_;   // as far as is known
};

}  // namespace

template <class T> std::optional<Origin<T>> find_non_finite(Tape<T>& tape, const Names<T>& names, T largest) {
  return Search<T>(tape, names, largest).origin();
}

template <class T> std::string explain_non_finite(Tape<T>& tape, const Names<T>& names, T largest) {
  Search<T> search(tape, names, largest);
  const auto origin = search.origin();
  return origin ? search.words(*origin) : "";
}

#define STRATA_INSTANTIATE(T)                                                      \
  template std::optional<Origin<T>> find_non_finite(Tape<T>&, const Names<T>&, T); \
  template std::string explain_non_finite(Tape<T>&, const Names<T>&, T);
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)

}  // namespace strata
