// run_cases CASES RESULTS: computes every case of a file in double and in float, for
// tests/differential/compare.py, which describes the files.
#include <cstdint>
#include <fstream>
#include <iostream>
#include <set>

#include "strata/tests/differential/case.hpp"

namespace strata::differential {
namespace {

/// The files' only elements are u32, f64 and bytes, in the machine's order.
class Reader {
 public:
  explicit Reader(const std::string& file) : stream_(file, std::ios::binary) {
    stream_.exceptions(std::ios::failbit | std::ios::badbit);
  }
  bool at_end() { return stream_.peek() == std::char_traits<char>::eof(); }
  template <class N> N number() {
    N value;
    stream_.read(reinterpret_cast<char*>(&value), sizeof value);
    return value;
  }
  std::size_t count() { return number<std::uint32_t>(); }
  std::string text() {
    std::string value(count(), ' ');
    stream_.read(value.data(), static_cast<std::streamsize>(value.size()));
    return value;
  }
  Tensor<double> tensor() {
    Shape shape(count());
    for (auto& size : shape) size = count();
    auto x = Tensor<double>::from_shape(shape);
    for (double& value : x) value = number<double>();
    return x;
  }

 private:
  std::ifstream stream_;
};

class Writer {
 public:
  explicit Writer(const std::string& file) : stream_(file, std::ios::binary) {
    stream_.exceptions(std::ios::failbit | std::ios::badbit);
  }
  template <class N> void number(N value) {
    stream_.write(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void count(std::size_t value) { number(static_cast<std::uint32_t>(value)); }
  void text(const std::string& value) {
    count(value.size());
    stream_ << value;
  }
  template <class T> void tensor(const Tensor<T>& x) {
    count(x.dimension());
    for (const std::size_t size : x.shape()) count(size);
    for (const T value : x) number(static_cast<double>(value));
  }

 private:
  std::ofstream stream_;
};

struct Case {
  std::string name;
  Numbers<double> numbers;
  Tensors<double> tensors;

  explicit Case(Reader& file) : name(file.text()) {
    numbers.values.resize(file.count());
    for (double& value : numbers.values) value = file.number<double>();
    for (std::size_t i = file.count(); i > 0; --i) tensors.push_back(file.tensor());
  }
};

// The value, and the derivatives by all tensors but the last, which is the cotangent.
template <class T> Procedure<T> differentiated(Operation<T> f) {
  return [f](const Tensors<T>& given, const Numbers<T>& numbers) {
    Tape<T> tape;
    std::vector<Var<T>> x;
    for (std::size_t i = 0; i + 1 < given.size(); ++i) x.push_back(tape.variable(given[i]));
    const Var<T> y = f(x, numbers);
    if (y.needs_grad()) tape.backward(y, given.back());
    Tensors<T> results{y.value()};
    for (const Var<T> input : x)
      results.push_back(input.has_grad() ? input.grad() : Tensor<T>(input.shape(), T(0)));
    return results;
  };
}

template <class T> class Table {
 public:
  Table() : procedures_(procedures<T>()) {
    for (const auto& part : {operations<T>(), distributions<T>()})
      for (const auto& [name, f] : part) procedures_[name] = differentiated(f);
    for (const auto& [name, f] : procedures_) unused_.insert(name);
  }

  void compute(const Case& c, Writer& results) {
    if (!procedures_.contains(c.name)) throw std::runtime_error("nothing is called '" + c.name + "'");
    unused_.erase(c.name);
    Tensors<T> tensors;
    for (const Tensor<double>& x : c.tensors) tensors.push_back(xt::cast<T>(x));
    try {
      const auto found =
          procedures_.at(c.name)(tensors, {std::vector<T>(c.numbers.values.begin(), c.numbers.values.end())});
      results.text("");
      results.count(found.size());
      for (const Tensor<T>& x : found) results.tensor(x);
    } catch (const std::invalid_argument& refusal) {
      results.text(refusal.what());
    }
  }

  const std::set<std::string>& unused() const { return unused_; }

 private:
  std::map<std::string, Procedure<T>> procedures_;
  std::set<std::string> unused_;
};

void compute_all(const std::string& cases, const std::string& results) {
  Reader in(cases);
  Writer out(results);
  Table<double> in_double;
  Table<float> in_float;
  while (!in.at_end()) {
    const Case c(in);
    in_double.compute(c, out);
    in_float.compute(c, out);
  }
  for (const std::string& name : in_double.unused()) throw std::runtime_error("no case calls '" + name + "'");
}

}  // namespace
}  // namespace strata::differential

int main(int argc, char** argv) try {
  if (argc != 3) throw std::runtime_error("usage: run_cases CASES RESULTS");
  strata::differential::compute_all(argv[1], argv[2]);
} catch (const std::exception& error) {
  std::cerr << "run_cases: " << error.what() << '\n';
  return 1;
}
