#include "strata/autograd/gradcheck.hpp"

#include <algorithm>
#include <cmath>

#include "strata/autograd/comparison.hpp"
#include "strata/autograd/flat_function.hpp"
#include "strata/tensor/random.hpp"

namespace strata {
namespace {

using detail::Comparison;
using detail::FlatFunction;
using detail::Slope;
using detail::Verdict;
using Vector = FlatFunction::Vector;
using Function = std::function<Var<double>(Tape<double>&)>;

double dot(const Vector& a, const Vector& b) {
  double total = 0;
  for (std::size_t i = 0; i < a.size(); ++i) total += a.data()[i] * b.data()[i];
  return total;
}

double norm(const Vector& x) { return std::sqrt(dot(x, x)); }

double largest(const Vector& x) {
  double most = 0;
  for (const double entry : x)
    if (std::isfinite(entry)) most = std::max(most, std::abs(entry));
  return most;
}

Vector unit(std::size_t size, std::size_t i) {
  Vector one = xt::zeros<double>({size});
  one(i) = 1;
  return one;
}

Vector random_normal(Rng& rng, std::size_t n) {
  Vector x = Vector::from_shape({n});
  fill_normal(rng, x);
  return x;
}

bool identical(const Vector& a, const Vector& b) {
  return a.shape() == b.shape() && std::equal(a.begin(), a.end(), b.begin(), [](double x, double y) {
           return x == y || (std::isnan(x) && std::isnan(y));
         });
}

class Check {
 public:
  Check(const Function& f, const std::vector<GradcheckInput>& inputs, const GradcheckOptions& options)
      : f_(f, inputs), options_(options), rng_{options.seed} {}

  GradcheckReport run() {
    if (f_.size() == 0) return refuse("there is nothing to differentiate with respect to");
    const Vector y = f_.value();
    if (y.size() == 0) return refuse("there is nothing to differentiate: y is empty");
    for (std::size_t o = 0; o < y.size(); ++o)
      if (!std::isfinite(y(o)))
        return refuse(f_.describe_output(o) + " is " + std::to_string(y(o)) +
                      " at the inputs themselves, where no derivative can be compared; choose others");
    if (!check_reruns(y)) return report_;
    is_small_ = f_.size() * y.size() <= options_.full_size;
    outputs_ = is_small_ ? y.size() : 1;
    inputs_ = is_small_ ? f_.size() : options_.directions;
    for (std::size_t k = 0; !is_small_ && k < inputs_; ++k) {
      cotangents_.push_back(random_normal(rng_, y.size()));
      directions_.push_back(random_normal(rng_, f_.size()));
      directions_.back() /= norm(directions_.back());
    }
    comparisons_.resize(outputs_ * inputs_);
    std::vector<std::size_t> all(outputs_ * inputs_);
    for (std::size_t e = 0; e < all.size(); ++e) all[e] = e;
    compare(f_.start(), all);
    compare_kinks_elsewhere();
    conclude();
    return report_;
  }

 private:
  bool check_reruns(const Vector& y) {
    const Vector v = random_normal(rng_, y.size());
    const Vector gradient = f_.pull_back(v);
    if (!identical(f_.value(), y) || !identical(f_.pull_back(v), gradient))
      refuse(
          "two runs on the same inputs differ: draw random numbers from an Rng that f itself sets, and keep "
          "running statistics out of it, or in the buffers of a model that is checked as a whole");
    else if (!identical(f_.pull_back(2.0 * v), 2.0 * gradient))
      refuse("twice the cotangent does not give twice the gradient: a derivative is not linear in it");
    return report_.ok;
  }

  // Entry e = (output o, input i). For large functions "input" k is a direction, "output" its cotangent · y.
  std::size_t output(std::size_t e) const { return e / inputs_; }
  std::size_t input(std::size_t e) const { return e % inputs_; }

  Vector projected(std::size_t i, Vector y) const {
    if (!is_small_) y = Vector({dot(cotangents_[i], y)});
    return y;
  }

  // Compares these entries at x.
  void compare(const Vector& x, const std::vector<std::size_t>& entries) {
    f_.move_to(x);
    const Vector y = f_.value();
    std::vector<std::vector<std::size_t>> of_row(is_small_ ? outputs_ : inputs_), of_column(inputs_);
    for (const std::size_t e : entries) {
      of_row[is_small_ ? output(e) : input(e)].push_back(e);
      of_column[input(e)].push_back(e);
    }
    for (std::size_t row = 0; row < of_row.size(); ++row)
      if (!of_row[row].empty()) {
        const Vector gradient = f_.pull_back(is_small_ ? unit(outputs_, row) : cotangents_[row]);
        const double most = is_small_ ? largest(gradient) : norm(gradient);
        for (const std::size_t e : of_row[row]) {
          const std::size_t i = input(e);
          Comparison& entry = comparisons_[e];
          entry.backward = is_small_ ? gradient(i) : dot(gradient, directions_[i]);
          entry.largest = std::max(entry.largest, most);
        }
      }
    for (std::size_t i = 0; i < inputs_; ++i)
      if (!of_column[i].empty()) differentiate(x, y, i, of_column[i]);
    f_.move_to(x);
  }

  // The size of x along a direction.
  double length(const Vector& x, std::size_t i) const {
    return is_small_ ? std::abs(x(i)) : norm(x) / std::sqrt(static_cast<double>(x.size()));
  }

  void differentiate(const Vector& x, const Vector& y, std::size_t i,
                     const std::vector<std::size_t>& entries) {
    const Vector u = is_small_ ? unit(f_.size(), i) : directions_[i], middle = projected(i, y);
    const double size = length(x, i), at_least_1 = std::max(1.0, size);
    std::vector<bool> wanted(outputs_, false);
    double most = 0;
    for (const std::size_t e : entries)
      if (std::isfinite(comparisons_[e].backward)) most = std::max(most, std::abs(comparisons_[e].backward));
    Vector magnitude = xt::zeros<double>({outputs_});
    for (const std::size_t e : entries) {
      Comparison& entry = comparisons_[e];
      wanted[output(e)] = true;
      entry.largest = std::max(entry.largest, most);
      entry.zero = 1e-13 * std::abs(middle(output(e))) / at_least_1;
      magnitude(output(e)) = entry.largest * size;
    }
    const auto settled = [&](std::size_t o, const Slope& slope) {
      if (!wanted[o]) return true;
      Comparison& entry = comparisons_[o * inputs_ + i];
      entry.slope = slope;
      return entry.settled(options_.tolerance);
    };
    const auto along = [&](double t) { return projected(i, f_.value_at(x + t * u, y.size())); };
    const auto found = detail::slopes(along, middle, magnitude, options_.step * at_least_1, settled);
    for (const std::size_t e : entries) comparisons_[e].slope = found[output(e)];
  }

  // Where smaller steps meet a kink still, x moves.
  void compare_kinks_elsewhere() {
    std::vector<std::size_t> kinks;
    for (std::size_t e = 0; e < comparisons_.size(); ++e) {
      const Comparison& entry = comparisons_[e];
      if (entry.slope.met_kink && report_.kinks++ == 0)
        report_.note = "f is not differentiable within the step everywhere, first of all at " + where(e) +
                       ", where it was compared again " +
                       (entry.slope.kink ? "at moved inputs" : "with smaller steps");
      if (entry.verdict(options_.tolerance) == Verdict::kink) kinks.push_back(e);
    }
    moved_.assign(comparisons_.size(), false);
    for (int attempt = 0; attempt < 3 && !kinks.empty(); ++attempt) {
      const auto before = comparisons_;
      Vector x = f_.start();
      const Vector noise = random_normal(rng_, x.size());
      for (std::size_t i = 0; i < x.size(); ++i) x(i) += 0.01 * noise(i) * (x(i) == 0 ? 1 : std::abs(x(i)));
      try {
        compare(x, kinks);
      } catch (const std::invalid_argument&) {  // f refuses the moved inputs
        comparisons_ = before;
        continue;
      }
      std::erase_if(kinks, [&](std::size_t e) {
        const Verdict verdict = comparisons_[e].verdict(options_.tolerance);
        moved_[e] = verdict == Verdict::right || verdict == Verdict::wrong;
        if (!moved_[e]) comparisons_[e] = before[e];
        return moved_[e];
      });
    }
    f_.move_to(f_.start());
  }

  void conclude() {
    report_.checked = comparisons_.size();
    std::size_t wrong = 0, worst = 0, first_undecided = 0;
    double largest_size = 0;
    std::vector<bool> known(outputs_, false), unknown(outputs_, false);
    for (std::size_t e = 0; e < comparisons_.size(); ++e) {
      const Comparison& entry = comparisons_[e];
      const Verdict verdict = entry.verdict(options_.tolerance);
      largest_size = std::max(largest_size, entry.size());
      if (verdict == Verdict::kink || verdict == Verdict::undecided) {
        if (report_.undecided++ == 0) first_undecided = e;
        unknown[output(e)] = true;
        continue;
      }
      const bool is_sharp = entry.is_sharp(options_.tolerance), is_wrong = verdict == Verdict::wrong;
      if (is_sharp && entry.size() > 0) known[output(e)] = true;
      if (is_wrong && wrong++ == 0) report_.error = 0;  // from here on of wrong ones only
      const double error = entry.error(options_.tolerance);
      if ((wrong > 0 ? !is_wrong : !is_sharp) || error <= report_.error || std::isnan(report_.error))
        continue;
      report_.error = error;
      worst = e;
    }
    bool all_of_an_output = false;
    for (std::size_t o = 0; o < outputs_; ++o) all_of_an_output |= unknown[o] && !known[o];
    const std::string of = " of " + std::to_string(report_.checked) + " derivatives ";
    if (wrong > 0)
      refuse(std::to_string(wrong) + of + (wrong == 1 ? "is" : "are") + " wrong, most of all " + tell(worst));
    else if (all_of_an_output || report_.undecided > std::max<std::size_t>(2, report_.checked / 100))
      refuse(std::to_string(report_.undecided) + of + "cannot be decided" +
             (all_of_an_output ? ", which leaves an output with none that can" : "") + "; the first is " +
             tell(first_undecided));
    else if (largest_size == 0)
      report_.note = "f is constant here: all derivatives are 0, by backward and by finite differences";
  }

  std::string where(std::size_t e) {
    if (!is_small_) return "the derivative along random direction " + std::to_string(e);
    return "∂" + f_.describe_output(output(e)) + "/∂" + f_.describe(input(e));
  }

  // Which derivative, and why it is wrong or undecided.
  std::string tell(std::size_t e) {
    return where(e) + ": " + comparisons_[e].explanation(options_.tolerance) +
           (moved_[e] ? ", at inputs moved by about 1 %, since f has a kink at those given" : "") +
           (f_.reaches_inputs() ? "" : "; no gradient reaches the inputs at all: is it stopped?");
  }

  GradcheckReport refuse(const std::string& message) {
    report_.ok = false;
    report_.message = "[gradcheck] " + message;
    return report_;
  }

  FlatFunction f_;
  const GradcheckOptions& options_;
  Rng rng_;
  bool is_small_ = true;
  std::size_t outputs_ = 0, inputs_ = 0;
  std::vector<Vector> cotangents_, directions_;  // of large functions
  std::vector<Comparison> comparisons_;          // (outputs, inputs)
  std::vector<bool> moved_;                      // whether one was compared at moved inputs
  GradcheckReport report_;
};

}  // namespace

GradcheckReport gradcheck(const std::function<Var<double>(Tape<double>&)>& f,
                          const std::vector<GradcheckInput>& inputs, const GradcheckOptions& options) {
  return Check(f, inputs, options).run();
}

GradcheckReport gradcheck(const std::function<Var<double>(Tape<double>&, const std::vector<Var<double>>&)>& f,
                          const std::vector<Tensor<double>>& inputs, const GradcheckOptions& options) {
  std::vector<Versioned<double>> tensors(inputs.begin(), inputs.end());
  std::vector<Gradient<double>> gradients(inputs.size());
  std::vector<GradcheckInput> given;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    given.push_back({"input " + std::to_string(i), &tensors[i], &gradients[i]});
  const Function of_references = [&](Tape<double>& tape) {
    std::vector<Var<double>> variables;
    for (const GradcheckInput& input : given)
      variables.push_back(tape.reference(*input.tensor, input.gradient));
    return f(tape, variables);
  };
  return gradcheck(of_references, given, options);
}

}  // namespace strata
