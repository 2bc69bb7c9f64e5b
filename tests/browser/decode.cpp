// Prints E[x | z] of a run's model for every z_T, a line of numbers each on its input, with the layers below
// at their means:
//
//     decode RUN [LABEL] < points
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <iterator>

#include "strata/tools/run/run_folder.hpp"

using namespace strata;

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const auto run = tools::load_run(argv[1]);
  const std::vector<float> numbers{std::istream_iterator<float>(std::cin), {}};
  const std::size_t width = run.config.latent.back(), rows = numbers.size() / width;
  auto z = Tensor<float>::from_shape({rows, width});
  std::copy_n(numbers.begin(), rows * width, z.begin());
  Tape<float> tape(Record::values);
  const std::size_t classes = run.config.conditional ? 10 : 0;
  const Var<float> condition =
      classes == 0 ? Var<float>() : tape.constant(Shape{rows, classes}, [&](auto& c) {
        c.fill(0.0f);
        for (std::size_t row = 0; row < rows; ++row)
          c(row, argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 0) = 1;
      });
  const auto x = run.model.decode({tape.constant(z)}, condition,
                                  Noise<float>([](Tensor<float>& ones) { ones.fill(1.0f); }));
  std::cout << std::setprecision(9);
  for (std::size_t row = 0; row < rows; ++row)
    for (std::size_t i = 0; i < x.shape()[1]; ++i)
      std::cout << x.value()(row, i) << (i + 1 == x.shape()[1] ? '\n' : ' ');
}
