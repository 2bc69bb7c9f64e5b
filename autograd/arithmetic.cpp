#include "strata/autograd/arithmetic.hpp"

#include "strata/autograd/formulas.hpp"

namespace strata {

// y = a + b        ā += ȳ        b̄ += ȳ
template <class T> Var<T> operator+(Var<T> a, Var<T> b) {
  return record("add", {a, b}, a.value() + b.value(), [a, b](Var<T> y) {
    a.accumulate(y.grad());
    b.accumulate(y.grad());
  });
}

// y = a − b        ā += ȳ        b̄ −= ȳ
template <class T> Var<T> operator-(Var<T> a, Var<T> b) {
  return record("subtract", {a, b}, a.value() - b.value(), [a, b](Var<T> y) {
    a.accumulate(y.grad());
    b.accumulate(-y.grad());
  });
}

// y = a b        ā += ȳ b        b̄ += ȳ a
template <class T> Var<T> operator*(Var<T> a, Var<T> b) {
  return record("multiply", {a, b}, a.value() * b.value(), [a, b](Var<T> y) {
    a.accumulate(map(formulas::scaled, y.grad(), b.value()));
    b.accumulate(map(formulas::scaled, y.grad(), a.value()));
  });
}

// y = a / b        ā += ȳ / b        b̄ −= ȳ y / b
template <class T> Var<T> operator/(Var<T> a, Var<T> b) {
  return record("divide", {a, b}, a.value() / b.value(), [a, b](Var<T> y) {
    a.accumulate(map(formulas::quotient, y.grad(), b.value()));
    b.accumulate(-map(formulas::share, y.grad(), y.value(), b.value()));
  });
}

// y = x + c        x̄ += ȳ
template <class T> Var<T> operator+(Var<T> x, Scalar<T> c) {
  return record("add_scalar", {x}, x.value() + c, [x](Var<T> y) { x.accumulate(y.grad()); });
}

// y = c x        x̄ += ȳ c
template <class T> Var<T> operator*(Var<T> x, Scalar<T> c) {
  return record("multiply_scalar", {x}, x.value() * c,
                [x, c](Var<T> y) { x.accumulate(map(formulas::scaled, y.grad(), c)); });
}

// y = x / c, which x · (1 / c) would round twice        x̄ += ȳ / c
template <class T> Var<T> operator/(Var<T> x, Scalar<T> c) {
  return record("divide_by_scalar", {x}, x.value() / c,
                [x, c](Var<T> y) { x.accumulate(map(formulas::quotient, y.grad(), c)); });
}

// y = c / x        x̄ −= ȳ y / x
template <class T> Var<T> operator/(Scalar<T> c, Var<T> x) {
  return record("divide_scalar", {x}, c / x.value(),
                [x](Var<T> y) { x.accumulate(-map(formulas::share, y.grad(), y.value(), x.value())); });
}

// y = −x        x̄ −= ȳ
template <class T> Var<T> operator-(Var<T> x) {
  return record("negate", {x}, -x.value(), [x](Var<T> y) { x.accumulate(-y.grad()); });
}

template <class T> Var<T> operator+(Scalar<T> c, Var<T> x) { return x + c; }

template <class T> Var<T> operator-(Var<T> x, Scalar<T> c) { return x + -c; }

template <class T> Var<T> operator-(Scalar<T> c, Var<T> x) { return -x + c; }

template <class T> Var<T> operator*(Scalar<T> c, Var<T> x) { return x * c; }

#define STRATA_INSTANTIATE(T)                   \
  template Var<T> operator+(Var<T>, Var<T>);    \
  template Var<T> operator-(Var<T>, Var<T>);    \
  template Var<T> operator*(Var<T>, Var<T>);    \
  template Var<T> operator/(Var<T>, Var<T>);    \
  template Var<T> operator+(Var<T>, Scalar<T>); \
  template Var<T> operator+(Scalar<T>, Var<T>); \
  template Var<T> operator-(Var<T>, Scalar<T>); \
  template Var<T> operator-(Scalar<T>, Var<T>); \
  template Var<T> operator*(Var<T>, Scalar<T>); \
  template Var<T> operator*(Scalar<T>, Var<T>); \
  template Var<T> operator/(Var<T>, Scalar<T>); \
  template Var<T> operator/(Scalar<T>, Var<T>); \
  template Var<T> operator-(Var<T>);
STRATA_INSTANTIATE(float)
STRATA_INSTANTIATE(double)

}  // namespace strata
