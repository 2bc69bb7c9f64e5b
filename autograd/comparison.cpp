#include "strata/autograd/comparison.hpp"

#include <iomanip>
#include <sstream>

namespace strata::detail {

std::string Comparison::explanation(double tolerance) const {
  std::ostringstream text;
  text << std::setprecision(12) << "backward gives " << backward << ", ";
  if (std::isinf(slope.error))
    text << "and no step down to " << std::setprecision(2) << slope.smallest_step
         << " stays where f is finite: the inputs lie at the edge of its domain";
  else if (slope.kink)
    text << "but f is not differentiable within the smallest step, " << std::setprecision(2)
         << slope.smallest_step << ", nor at moved inputs: its slope is " << std::setprecision(6)
         << slope.left << " to the left and " << slope.right << " to the right";
  else
    text << "finite differences " << slope.value << " ± " << std::setprecision(2) << uncertainty()
         << " (relative error " << difference() / size() << ", allowed " << tolerance
         << " beside that uncertainty)";
  return text.str();
}

}  // namespace strata::detail
