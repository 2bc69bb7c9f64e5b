// The reference values of tests/reference: computed in double precision by another framework, see its README.
#pragma once

#include <catch2/catch.hpp>
#include <string>

#include "strata/nn/parameter.hpp"
#include "strata/tensor/io/safetensors.hpp"

namespace strata::tests {

/// One reference file: param.*, input.*, output.* and grad.*.
class Reference {
 public:
  explicit Reference(const std::string& name)
      : file_(Safetensors::read(std::string(STRATA_SOURCE_DIR "/tests/reference/") + name + ".safetensors")) {
  }

  Tensor<double> operator[](const std::string& name) const { return file_.get<double>(name); }
  std::vector<std::string> names() const { return file_.names(); }

  /// Sets parameters from param.NAME.
  void set(Parameter<double>& parameter, const std::string& name) const {
    REQUIRE(parameter.value().shape() == (*this)["param." + name].shape());
    parameter.write() = (*this)["param." + name];
  }

  /// Checks a tensor against the file's: every element to 1e-10 relative, or relative to the largest of its
  /// row where terms cancel.
  void check(const Tensor<double>& found, const std::string& name) const {
    const Tensor<double> expected = (*this)[name];
    INFO(name);
    REQUIRE(found.size() == expected.size());
    const std::size_t width = expected.dimension() > 1 ? expected.shape().back() : 1;
    for (std::size_t row = 0; row < expected.size(); row += width) {
      double largest = 0;
      for (std::size_t i = row; i < row + width; ++i)
        largest = std::max(largest, std::abs(expected.data()[i]));
      for (std::size_t i = row; i < row + width; ++i)
        CHECK(std::abs(found.data()[i] - expected.data()[i]) <= 1e-10 * largest);
    }
  }

  void check_gradient(const Parameter<double>& parameter, const std::string& name) const {
    INFO(name);
    REQUIRE(parameter.gradient.received);
    check(parameter.gradient.value, "grad." + name);
  }

 private:
  Safetensors file_;
};

}  // namespace strata::tests
