// The function of a gradient check, from a flat vector to a flat vector.
#pragma once

#include "strata/autograd/gradcheck.hpp"

namespace strata::detail {

/// y = f(x), where x strings all inputs together. The inputs' values and gradients are restored at its end.
class FlatFunction {
 public:
  using Vector = Tensor<double>;  // of rank 1

  FlatFunction(const std::function<Var<double>(Tape<double>&)>& f, const std::vector<GradcheckInput>& inputs);
  ~FlatFunction();
  FlatFunction(const FlatFunction&) = delete;
  FlatFunction& operator=(const FlatFunction&) = delete;

  std::size_t size() const { return start_.size(); }  ///< of x
  const Vector& start() const { return start_; }      ///< x as it was given

  void move_to(const Vector& x);
  Vector value();  ///< y where it stands

  /// y at x. Where f refuses x (std::invalid_argument) or gives another shape, that many NaNs.
  Vector value_at(const Vector& x, std::size_t outputs);

  /// Jᵀ v where it stands, from one backward pass; zero where no gradient reaches an input
  Vector pull_back(const Vector& v);

  /// Whether y, by what its tape recorded in the last run, depends on any input.
  bool reaches_inputs() const { return reaches_inputs_; }

  std::string describe(std::size_t i) const;   ///< "weight[1, 2]" for x_i
  std::string describe_output(std::size_t i);  ///< "y[0]"

 private:
  Var<double> run();

  const std::function<Var<double>(Tape<double>&)>& f_;
  const std::vector<GradcheckInput>& inputs_;
  std::vector<Gradient<double>> gradients_before_;
  Vector start_;
  Tape<double> tape_;
  bool reaches_inputs_ = false;
};

}  // namespace strata::detail
