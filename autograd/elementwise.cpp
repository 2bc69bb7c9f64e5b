#include "strata/autograd/elementwise.hpp"

#include "strata/autograd/formulas.hpp"

namespace strata {

namespace {

// ȳ f'(x) for a formula f', and 0 where ȳ is.
template <class T, class F> auto chain(const Tensor<T>& gradient, F slope, const Tensor<T>& x) {
  return map([slope](auto g, auto v) { return formulas::scaled(g, slope(v)); }, gradient, x);
}

}  // namespace

// y = eˣ        x̄ += ȳ y
template <class T> Var<T> exp(Var<T> x) {
  return record("exp", {x}, map([](auto v) { return formulas::exp(v); }, x.value()),
                [x](Var<T> y) { x.accumulate(map(formulas::scaled, y.grad(), y.value())); });
}

// y = ln x        x̄ += ȳ / x
template <class T> Var<T> log(Var<T> x) {
  return record("log", {x}, map([](auto v) { return formulas::log(v); }, x.value()),
                [x](Var<T> y) { x.accumulate(map(formulas::quotient, y.grad(), x.value())); });
}

// y = ln(1 + x)        x̄ += ȳ / (1 + x)
template <class T> Var<T> log1p(Var<T> x) {
  return record("log1p", {x}, map([](auto v) { return xsimd::log1p(v); }, x.value()),
                [x](Var<T> y) { x.accumulate(map(formulas::quotient, y.grad(), T(1) + x.value())); });
}

// y = eˣ − 1        x̄ += ȳ eˣ, which y + 1 would lose for x → −∞
template <class T> Var<T> expm1(Var<T> x) {
  return record("expm1", {x}, map([](auto v) { return formulas::expm1(v); }, x.value()), [x](Var<T> y) {
    x.accumulate(chain(
        y.grad(), [](auto v) { return formulas::exp(v); }, x.value()));
  });
}

// y = sin x        x̄ += ȳ cos x
template <class T> Var<T> sin(Var<T> x) {
  return record("sin", {x}, xt::sin(x.value()), [x](Var<T> y) {
    x.accumulate(chain(
        y.grad(), [](auto v) { return xsimd::cos(v); }, x.value()));
  });
}

// y = cos x        x̄ −= ȳ sin x
template <class T> Var<T> cos(Var<T> x) {
  return record("cos", {x}, xt::cos(x.value()), [x](Var<T> y) {
    x.accumulate(chain(
        y.grad(), [](auto v) { return -xsimd::sin(v); }, x.value()));
  });
}

// y = erf x        x̄ += ȳ 2/√π e^(−x²)
template <class T> Var<T> erf(Var<T> x) {
  return record("erf", {x}, map([](auto v) { return formulas::erf(v); }, x.value()), [x](Var<T> y) {
    x.accumulate(chain(
        y.grad(), [](auto v) { return formulas::erf_slope(v); }, x.value()));
  });
}

// y = x^c        x̄ += ȳ c x^(c − 1)
template <class T> Var<T> pow(Var<T> x, Scalar<T> c) {
  const auto value = [c](auto v) { return formulas::pow(v, c); };
  return record("pow", {x}, map(value, x.value()), [x, c](Var<T> y) {
    if (c != T(0))
      x.accumulate(chain(
          y.grad(), [c](auto v) { return formulas::pow_slope(v, c); }, x.value()));
  });
}

// y = √x        x̄ += ȳ / 2y
template <class T> Var<T> sqrt(Var<T> x) {
  return record("sqrt", {x}, xt::sqrt(x.value()),
                [x](Var<T> y) { x.accumulate(map(formulas::quotient, T(0.5) * y.grad(), y.value())); });
}

// y = x²        x̄ += 2 ȳ x
template <class T> Var<T> square(Var<T> x) {
  return record("square", {x}, xt::square(x.value()),
                [x](Var<T> y) { x.accumulate(map(formulas::scaled, T(2) * y.grad(), x.value())); });
}

// y = |x|        x̄ += ȳ sign x, which is NaN where x is
template <class T> Var<T> abs(Var<T> x) {
  return record("abs", {x}, xt::abs(x.value()), [x](Var<T> y) {
    const auto slope = []<class V>(V v) { return select(v > V(0), V(1), select(v < V(0), V(-1), V(0) * v)); };
    x.accumulate(chain(y.grad(), slope, x.value()));
  });
}

// y = min(max(x, l), h)        x̄ += ȳ [l ≤ x ≤ h]
template <class T> Var<T> clamp(Var<T> x, Scalar<T> low, Scalar<T> high) {
  if (!(low <= high))
    fail("clamp", "low is above high: " + std::to_string(low) + " and " + std::to_string(high));
  const auto value = [low, high]<class V>(V v) {
    return select(v < V(low), V(low), select(v > V(high), V(high), v));
  };
  return record("clamp", {x}, map(value, x.value()), [x, low, high](Var<T> y) {
    x.accumulate(
        map([low, high]<class V>(V g, V v) { return select(v < V(low), V(0), select(v > V(high), V(0), g)); },
            y.grad(), x.value()));
  });
}

// y = max(a, b)        ā += ȳ ([a > b] + ½ [a = b])        b̄ likewise
template <class T> Var<T> maximum(Var<T> a, Var<T> b) {
  const auto value = []<class V>(V u, V v) { return select(u < v, v, select(v == v, u, v)); };  // NaN passes
  return record("maximum", {a, b}, map(value, a.value(), b.value()), [a, b](Var<T> y) {
    const auto share = []<class V>(V g, V mine, V other) {
      return select(mine > other, g, select(mine == other, V(T(0.5)) * g, V(0)));
    };
    a.accumulate(map(share, y.grad(), a.value(), b.value()));
    b.accumulate(map(share, y.grad(), b.value(), a.value()));
  });
}

// y = a where m ≠ 0, else b        ā += ȳ there        b̄ += ȳ elsewhere
template <class T> Var<T> where(Var<T> mask, Var<T> a, Var<T> b) {
  if (mask.needs_grad()) fail("where", "no gradient flows into the mask: give it by stop_gradient(mask)");
  const auto choose = []<class V>(V m, V u, V v) { return select(m == V(0), v, select(m == m, u, m)); };
  return record("where", {mask, a, b}, map(choose, mask.value(), a.value(), b.value()), [=](Var<T> y) {
    const T nothing = 0;
    a.accumulate(map(choose, mask.value(), y.grad(), nothing));
    b.accumulate(map(choose, mask.value(), nothing, y.grad()));
  });
}

template <class T> Var<T> minimum(Var<T> a, Var<T> b) { return -maximum(-a, -b); }

// y = tanh x        x̄ += ȳ / cosh² x, which 1 − y² would lose where y rounds to ±1
template <class T> Var<T> tanh(Var<T> x) {
  return record("tanh", {x}, xt::tanh(x.value()), [x](Var<T> y) {
    x.accumulate(chain(
        y.grad(), [](auto v) { return formulas::tanh_slope(v); }, x.value()));
  });
}

// y = max(x, 0)        x̄ += ȳ [x > 0]
template <class T> Var<T> relu(Var<T> x) {
  return record(
      "relu", {x}, map([]<class V>(V v) { return select(v < V(0), V(0), v); }, x.value()), [x](Var<T> y) {
        x.accumulate(map([]<class V>(V g, V v) { return select(v > V(0), g, V(0)); }, y.grad(), x.value()));
      });
}

// y = x or s x        x̄ += ȳ or s ȳ
template <class T> Var<T> leaky_relu(Var<T> x, Scalar<T> slope) {
  const auto value = [slope]<class V>(V v) { return select(v > V(0), v, V(slope) * v); };
  return record("leaky_relu", {x}, map(value, x.value()), [x, slope](Var<T> y) {
    x.accumulate(
        map([slope]<class V>(V g, V v) { return select(v > V(0), g, V(slope) * g); }, y.grad(), x.value()));
  });
}

// y = 1 / (1 + e⁻ˣ)        x̄ += ȳ y (1 − y) = ȳ sigmoid x sigmoid(−x)
template <class T> Var<T> sigmoid(Var<T> x) {
  return record("sigmoid", {x}, map([](auto v) { return formulas::sigmoid(v); }, x.value()), [x](Var<T> y) {
    x.accumulate(chain(
        y.grad(), [](auto v) { return formulas::sigmoid_slope(v); }, x.value()));
  });
}

template <class T> Var<T> log_sigmoid(Var<T> x) { return -softplus(-x); }

// y = ln(1 + eˣ)        x̄ += ȳ sigmoid x = ȳ (1 − e⁻ʸ)
template <class T> Var<T> softplus(Var<T> x) {
  return record("softplus", {x}, map([](auto v) { return formulas::softplus(v); }, x.value()), [x](Var<T> y) {
    x.accumulate(chain(
        y.grad(), [](auto v) { return -xsimd::expm1(-v); }, y.value()));
  });
}

// y = ln ln(1 + eˣ)        x̄ += ȳ sigmoid x / softplus x = ȳ (1 − e⁻ˢ) / s, s = eʸ; both → 1 as x → −∞
template <class T> Var<T> log_softplus(Var<T> x) {
  return record("log_softplus", {x}, map([](auto v) { return formulas::log_softplus(v); }, x.value()),
                [x](Var<T> y) {
                  x.accumulate(chain(
                      y.grad(), [](auto v) { return formulas::log_softplus_slope(v); }, x.value()));
                });
}

// y = x        x̄ += 0
template <class T> Var<T> stop_gradient(Var<T> x) { return x.tape().detached(x); }

#define STRATA_INSTANTIATE(T)                          \
  template Var<T> exp(Var<T>);                         \
  template Var<T> log(Var<T>);                         \
  template Var<T> log1p(Var<T>);                       \
  template Var<T> expm1(Var<T>);                       \
  template Var<T> sin(Var<T>);                         \
  template Var<T> cos(Var<T>);                         \
  template Var<T> erf(Var<T>);                         \
  template Var<T> pow(Var<T>, Scalar<T>);              \
  template Var<T> where(Var<T>, Var<T>, Var<T>);       \
  template Var<T> sqrt(Var<T>);                        \
  template Var<T> square(Var<T>);                      \
  template Var<T> abs(Var<T>);                         \
  template Var<T> clamp(Var<T>, Scalar<T>, Scalar<T>); \
  template Var<T> maximum(Var<T>, Var<T>);             \
  template Var<T> minimum(Var<T>, Var<T>);             \
  template Var<T> tanh(Var<T>);                        \
  template Var<T> relu(Var<T>);                        \
  template Var<T> leaky_relu(Var<T>, Scalar<T>);       \
  template Var<T> sigmoid(Var<T>);                     \
  template Var<T> log_sigmoid(Var<T>);                 \
  template Var<T> softplus(Var<T>);                    \
  template Var<T> log_softplus(Var<T>);                \
  template Var<T> stop_gradient(Var<T>);
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)

}  // namespace strata
