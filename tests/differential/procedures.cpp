// Layers, rules of gradient descent and schedules of nn, and what has no derivative.
#include "strata/autograd/operations.hpp"
#include "strata/nn/dropout.hpp"
#include "strata/nn/mlp.hpp"
#include "strata/nn/optimizer.hpp"
#include "strata/nn/schedule.hpp"
#include "strata/tests/differential/case.hpp"

namespace strata::differential {
namespace {

// From x, a module's tensors in the order of its fields, and a cotangent: y, x̄, and in that order every
// parameter's gradient and every buffer as the call left it.
template <class T, class Module, class F> Tensors<T> called(Module module, const Tensors<T>& given, F call) {
  std::size_t next = 1;
  for_each_tensor(module, [&](const std::string&, auto& leaf) { leaf.write() = given.at(next++); });
  Tape<T> tape;
  const Var<T> x = tape.variable(given.front()), y = call(module, x);
  tape.backward(y, given.back());
  Tensors<T> results{y.value(), x.grad()};
  for_each_tensor(module, [&](const std::string&, const auto& leaf) {
    if constexpr (requires { leaf.gradient; })
      results.push_back(leaf.gradient.value);
    else
      results.push_back(leaf.value());
  });
  return results;
}

// The same for a function of one variable: y and x̄.
template <class T, class F> Tensors<T> differentiated(const Tensors<T>& given, F f) {
  Tape<T> tape;
  const Var<T> x = tape.variable(given.front()), y = f(x);
  tape.backward(y, given.back());
  return {y.value(), x.grad()};
}

// From w, the gradients of some steps and the steps' rates: w after each step.
template <class T, class R> Tensors<T> optimized(const R& rule, const Tensors<T>& given) {
  Parameter<T> w{given.front()};
  Optimizer<T> optimizer({{"w", &w}}, rule, 0);
  Tensors<T> results;
  for (std::size_t step = 0; step + 2 < given.size(); ++step) {
    w.gradient = {given[step + 1], true};
    optimizer.learning_rate = given.back()(step);
    optimizer.step();
    results.push_back(w.value());
  }
  return results;
}

// The factors of the epochs 0, ..., count − 1.
template <class T> Tensors<T> scheduled(const Schedule& schedule, std::size_t count) {
  Tensor<T> factors(Shape{count});
  for (std::size_t epoch = 0; epoch < count; ++epoch) factors(epoch) = static_cast<T>(schedule(epoch));
  return {factors};
}

// From gradients: their norm, and the gradients clipped to a norm.
template <class T> Tensors<T> clipped(const Tensors<T>& gradients, double max_norm) {
  std::vector<Parameter<T>> parameters;
  for (const Tensor<T>& gradient : gradients) parameters.push_back({gradient, {gradient, true}});
  std::vector<NamedParameter<T>> named;
  for (Parameter<T>& parameter : parameters) named.push_back({"w", &parameter});
  Tensors<T> results{Tensor<T>(static_cast<T>(clip_gradient_norm(named, max_norm)))};
  for (const Parameter<T>& parameter : parameters) results.push_back(parameter.gradient.value);
  return results;
}

template <class T> Tensors<T> places(const std::vector<std::size_t>& rows) {
  Tensor<T> result(Shape{rows.size()});
  std::copy(rows.begin(), rows.end(), result.begin());
  return {result};
}

template <class T> Tensors<T> labelled(const Tensors<T>& x, std::size_t classes) {
  Tape<T> tape;
  return {one_hot(tape.constant(x[0]), classes).value()};
}

template <class T> Tensors<T> statistics(const Tensors<T>& x) {
  Tape<T> tape;
  const auto result = batch_norm(tape.constant(x[0]), tape.constant(x[1]), tape.constant(x[2]), T(1));
  return {result.mean.value(), result.variance.value()};
}

Context context(bool train, Rng& rng) { return train ? training(rng) : Context{}; }

// options: activation, batch norm, training, then the widths from the input on
template <class T> Tensors<T> multilayer(const Tensors<T>& given, const Numbers<T>& n) {
  Rng rng{1};
  auto widths = n.counts(3);
  const std::size_t in = widths.front();
  widths.erase(widths.begin());
  MlpOptions options{static_cast<Activation>(n.count(0))};
  options.batch_norm = n[1] != 0;
  return called(Mlp<T>(in, widths, options, rng), given,
                [&](auto& mlp, auto x) { return mlp(x, context(n[2] != 0, rng)); });
}

}  // namespace

template <class T> std::map<std::string, Procedure<T>> procedures() {
  using X = const Tensors<T>&;
  using N = const Numbers<T>&;
  const auto on_tape = [](auto f) {
    return [f](X x, N) {
      Tape<T> tape;
      return places<T>(f(tape.constant(x[0])));
    };
  };
  return {
      {"argmax", on_tape([](auto x) { return argmax(x); })},
      {"argmin", on_tape([](auto x) { return argmin(x); })},
      {"one_hot", [](X x, N n) { return labelled(x, n.count(0)); }},
      {"batch_norm/statistics", [](X x, N) { return statistics(x); }},

      {"Linear",
       [](X x, N) {
         Rng rng{1};
         return called(Linear<T>(x[1].shape(0), x[1].shape(1), Init::zero, rng), x,
                       [](auto& f, auto v) { return f(v); });
       }},
      {"BatchNorm",
       [](X x, N n) {
         Rng rng{1};
         BatchNorm<T> norm(x[1].size());
         norm.decay = n[1];
         norm.epsilon = n[2];
         return called(norm, x, [&](auto& f, auto v) { return f(v, context(n[0] != 0, rng)); });
       }},
      {"Mlp", [](X x, N n) { return multilayer(x, n); }},
      {"dropout", [](X x, N n) { return differentiated(x, [&](auto v) { return dropout(v, n[0], {}); }); }},
      {"activate",
       [](X x, N n) {
         return differentiated(x, [&](auto v) { return activate(static_cast<Activation>(n.count(0)), v); });
       }},

      {"Sgd", [](X x, N) { return optimized(Sgd{}, x); }},
      {"Momentum", [](X x, N n) { return optimized(Momentum{n[0]}, x); }},
      {"Nesterov", [](X x, N n) { return optimized(Nesterov{n[0]}, x); }},
      {"AdaGrad", [](X x, N n) { return optimized(AdaGrad{n[0]}, x); }},
      {"RmsProp",
       [](X x, N n) {
         return optimized(RmsProp{n[0], n[1]}, x);
       }},
      {"Adam",
       [](X x, N n) {
         return optimized(Adam{n[0], n[1], n[2]}, x);
       }},
      {"AdamW",
       [](X x, N n) {
         return optimized(AdamW{{n[0], n[1], n[2]}, n[3]}, x);
       }},
      {"clip_gradient_norm", [](X x, N n) { return clipped(x, n[0]); }},

      {"ConstantSchedule", [](X, N n) { return scheduled<T>(ConstantSchedule{}, n.count(0)); }},
      {"StepSchedule",
       [](X, N n) {
         return scheduled<T>(StepSchedule{n.count(1), n[2]}, n.count(0));
       }},
      {"CosineSchedule",
       [](X, N n) {
         return scheduled<T>(CosineSchedule{n.count(1), n[2]}, n.count(0));
       }},
      {"BurdaSchedule", [](X, N n) { return scheduled<T>(BurdaSchedule{n.count(1)}, n.count(0)); }},
  };
}

template std::map<std::string, Procedure<float>> procedures();
template std::map<std::string, Procedure<double>> procedures();

}  // namespace strata::differential
