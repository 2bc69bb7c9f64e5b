#include "strata/autograd/flat_function.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace strata::detail {
namespace {

using Vector = FlatFunction::Vector;

Vector flattened(Tensor<double> x) {
  x.reshape({x.size()});
  return x;
}

std::string element(const std::string& name, const Shape& shape, std::size_t i) {
  if (shape.empty()) return name;
  std::string place;
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    place = std::to_string(i % shape[axis]) + (place.empty() ? "" : ", ") + place;
    i /= shape[axis];
  }
  return name + "[" + place + "]";
}

}  // namespace

FlatFunction::FlatFunction(const std::function<Var<double>(Tape<double>&)>& f,
                           const std::vector<GradcheckInput>& inputs)
    : f_(f), inputs_(inputs) {
  std::size_t size = 0;
  for (const auto& input : inputs) {
    size += input.tensor->value().size();
    gradients_before_.push_back(*input.gradient);
  }
  start_ = Vector::from_shape({size});
  auto out = start_.begin();
  for (const auto& input : inputs)
    out = std::copy(input.tensor->value().begin(), input.tensor->value().end(), out);
}

FlatFunction::~FlatFunction() {
  move_to(start_);
  for (std::size_t i = 0; i < inputs_.size(); ++i) *inputs_[i].gradient = std::move(gradients_before_[i]);
}

void FlatFunction::move_to(const Vector& x) {
  auto in = x.begin();
  for (const auto& input : inputs_) {
    const auto end = in + static_cast<std::ptrdiff_t>(input.tensor->value().size());
    std::copy(in, end, input.tensor->write().begin());
    in = end;
  }
}

Var<double> FlatFunction::run() {
  tape_.reset();
  return f_(tape_);
}

Vector FlatFunction::value() { return flattened(run().value()); }

Vector FlatFunction::value_at(const Vector& x, std::size_t outputs) {
  move_to(x);
  try {
    Vector y = value();
    if (y.size() == outputs) return y;
  } catch (const std::invalid_argument&) {
  }
  return Vector(Shape{outputs}, std::numeric_limits<double>::quiet_NaN());
}

Vector FlatFunction::pull_back(const Vector& v) {
  for (const auto& input : inputs_) input.gradient->received = false;
  const Var<double> y = run();
  Vector gradient = xt::zeros<double>({size()});
  reaches_inputs_ = y.needs_grad();
  if (!reaches_inputs_) return gradient;
  Tensor<double> cotangent = v;
  cotangent.reshape(y.shape());
  tape_.backward(y, cotangent);
  auto out = gradient.begin();
  for (const auto& [name, tensor, grad] : inputs_) {
    if (grad->received) std::copy(grad->value.begin(), grad->value.end(), out);
    out += static_cast<std::ptrdiff_t>(tensor->value().size());
  }
  return gradient;
}

std::string FlatFunction::describe(std::size_t i) const {
  for (const auto& input : inputs_) {
    const Tensor<double>& x = input.tensor->value();
    if (i < x.size()) return element(input.name, x.shape(), i);
    i -= x.size();
  }
  return "?";
}

std::string FlatFunction::describe_output(std::size_t i) { return element("y", run().shape(), i); }

}  // namespace strata::detail
