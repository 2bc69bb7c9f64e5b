#include "strata/autograd/gradcheck.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "strata/tensor/random.hpp"

namespace strata {
namespace {

using Vector = Tensor<double>;  // of rank 1
using Function = std::function<Var<double>(Tape<double>&)>;

double dot(const Vector& a, const Vector& b) {
  double total = 0;
  for (std::size_t i = 0; i < a.size(); ++i) total += a.data()[i] * b.data()[i];
  return total;
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

// The function under test as one from a flat vector to a flat vector.
class Flat {
 public:
  Flat(const Function& f, const std::vector<GradcheckInput>& inputs) : f_(f), inputs_(inputs) {
    for (const auto& input : inputs) size_ += input.value->size();
  }

  std::size_t size() const { return size_; }

  Vector point() const {
    Vector x = Vector::from_shape({size_});
    auto out = x.begin();
    for (const auto& input : inputs_) out = std::copy(input.value->begin(), input.value->end(), out);
    return x;
  }

  void move_to(const Vector& x) {
    auto in = x.begin();
    for (const auto& input : inputs_) {
      const auto end = in + static_cast<std::ptrdiff_t>(input.value->size());
      std::copy(in, end, input.value->begin());
      in = end;
    }
  }

  Vector value() { return flattened(run().value()); }

  // Jᵀ v, from one backward pass
  Vector pull_back(const Vector& v) {
    for (const auto& input : inputs_) input.gradient->received = false;
    const Var<double> y = run();
    Tensor<double> cotangent = v;
    cotangent.reshape(y.shape());
    tape_.backward(y, cotangent);
    Vector gradient = xt::zeros<double>({size_});
    auto out = gradient.begin();
    for (const auto& [name, input, grad] : inputs_) {
      if (grad->received) std::copy(grad->value.begin(), grad->value.end(), out);
      out += static_cast<std::ptrdiff_t>(input->size());
      grad->received = false;
    }
    return gradient;
  }

  // J u by central differences of fourth order, whose error is of the order h⁴ + 10⁻¹⁶ / h
  Vector push_forward(const Vector& u, double h) {
    const Vector x = point();
    const auto at = [&](double k) {
      move_to(x + k * h * u);
      return value();
    };
    try {
      Vector slope = (8.0 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12.0 * h);
      move_to(x);
      return slope;
    } catch (...) {
      move_to(x);
      throw;
    }
  }

  std::string describe(std::size_t i) const {
    for (const auto& input : inputs_) {
      if (i < input.value->size()) return element(input.name, input.value->shape(), i);
      i -= input.value->size();
    }
    return "?";
  }

  std::string describe_output(std::size_t i) { return element("y", run().shape(), i); }

 private:
  Var<double> run() {
    tape_.reset();
    return f_(tape_);
  }

  static Vector flattened(Tensor<double> x) {
    x.reshape({x.size()});
    return x;
  }

  static std::string element(const std::string& name, const Shape& shape, std::size_t i) {
    std::string place;
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      place = std::to_string(i % shape[axis]) + (place.empty() ? "" : ", ") + place;
      i /= shape[axis];
    }
    return name + "[" + place + "]";
  }

  const Function& f_;
  const std::vector<GradcheckInput>& inputs_;
  std::size_t size_ = 0;
  Tape<double> tape_;
};

class Check {
 public:
  Check(Flat& f, const GradcheckOptions& options) : f_(f), options_(options), rng_{options.seed} {}

  GradcheckReport run() {
    if (f_.size() == 0) {
      refuse("there is nothing to differentiate with respect to");
      return report_;
    }
    const Vector y = f_.value();
    if (check_reruns(y)) {
      if (f_.size() * y.size() <= options_.full_size)
        check_jacobian(y.size());
      else
        for (std::size_t k = 0; k < options_.directions; ++k) check_direction(y.size());
    }
    return report_;
  }

 private:
  bool check_reruns(const Vector& y) {
    const Vector v = random_normal(rng_, y.size());
    const Vector gradient = f_.pull_back(v);
    if (!identical(f_.value(), y) || !identical(f_.pull_back(v), gradient))
      return refuse(
          "two runs on the same inputs differ: draw random numbers from an Rng that f itself sets, and keep "
          "running "
          "statistics out of it");
    if (!identical(f_.pull_back(2.0 * v), 2.0 * gradient))
      return refuse("twice the cotangent does not give twice the gradient: a derivative is not linear in it");
    return true;
  }

  void check_jacobian(std::size_t outputs) {
    const std::size_t inputs = f_.size();
    Tensor<double> backward = Tensor<double>::from_shape({outputs, inputs}), numeric = backward;
    const Vector x = f_.point();
    for (std::size_t o = 0; o < outputs; ++o) {
      Vector one = xt::zeros<double>({outputs});
      one(o) = 1;
      xt::view(backward, o, xt::all()) = f_.pull_back(one);
    }
    for (std::size_t i = 0; i < inputs; ++i) {
      Vector one = xt::zeros<double>({inputs});
      one(i) = 1;
      xt::view(numeric, xt::all(), i) = f_.push_forward(one, options_.step * std::max(1.0, std::abs(x(i))));
    }
    double largest = 0;
    for (const double entry : numeric)
      if (std::isfinite(entry)) largest = std::max(largest, std::abs(entry));
    for (std::size_t o = 0; o < outputs; ++o)
      for (std::size_t i = 0; i < inputs; ++i)
        compare(backward(o, i), numeric(o, i), largest,
                [&] { return "∂" + f_.describe_output(o) + "/∂" + f_.describe(i); });
  }

  void check_direction(std::size_t outputs) {
    const Vector v = random_normal(rng_, outputs);
    Vector u = random_normal(rng_, f_.size());
    u /= std::sqrt(dot(u, u));
    const Vector gradient = f_.pull_back(v);
    const Vector x = f_.point();
    const double scale = std::max(1.0, std::sqrt(dot(x, x) / static_cast<double>(x.size())));
    compare(dot(gradient, u), dot(v, f_.push_forward(u, options_.step * scale)),
            std::sqrt(dot(gradient, gradient)),
            [] { return std::string("the derivative along a random direction"); });
  }

  template <class Where> void compare(double backward, double numeric, double largest, Where where) {
    const double scale = std::max({std::abs(backward), std::abs(numeric), 1e-3 * largest});
    const double difference = std::abs(backward - numeric);
    const double error = difference == 0 ? 0 : difference / scale;
    const bool worst = !(error <= report_.error) && !std::isnan(report_.error);
    if (worst) report_.error = error;
    if (error <= options_.tolerance || !worst) return;
    std::ostringstream text;
    text.precision(12);
    text << where() << ": backward gives " << backward << ", finite differences " << numeric
         << " (relative error " << error << ", allowed " << options_.tolerance << ")";
    refuse(text.str());
  }

  bool refuse(const std::string& message) {
    report_.ok = false;
    report_.message = "[gradcheck] " + message;
    return false;
  }

  Flat& f_;
  const GradcheckOptions& options_;
  Rng rng_;
  GradcheckReport report_;
};

}  // namespace

GradcheckReport gradcheck(const std::function<Var<double>(Tape<double>&)>& f,
                          const std::vector<GradcheckInput>& inputs, const GradcheckOptions& options) {
  Flat flat(f, inputs);
  return Check(flat, options).run();
}

GradcheckReport gradcheck(const std::function<Var<double>(Tape<double>&, const std::vector<Var<double>>&)>& f,
                          const std::vector<Tensor<double>>& inputs, const GradcheckOptions& options) {
  std::vector<Tensor<double>> values = inputs;
  std::vector<Gradient<double>> gradients(inputs.size());
  std::vector<GradcheckInput> given;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    given.push_back({"input " + std::to_string(i), &values[i], &gradients[i]});
  const Function of_references = [&](Tape<double>& tape) {
    std::vector<Var<double>> variables;
    for (const GradcheckInput& input : given)
      variables.push_back(tape.reference(*input.value, *input.gradient));
    return f(tape, variables);
  };
  return gradcheck(of_references, given, options);
}

}  // namespace strata
