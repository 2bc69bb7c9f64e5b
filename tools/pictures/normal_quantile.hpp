// Quantiles of the standard normal distribution.
#pragma once

namespace strata {

/// The x below which N(0, 1) has the probability p: the inverse of its distribution function. The relative
/// error is below 1e-15 (2e-5 where p is subnormal); p = 1/2 gives exactly 0.
/// Throws std::invalid_argument unless 0 < p < 1.
double normal_quantile(double p);

}  // namespace strata
