// Whether the components of a code each tell one of the factors that made the data.
#pragma once

#include <cstdint>

#include "strata/tensor/tensor.hpp"

namespace strata {

/// The mutual information gap (Chen et al. 2018) of codes (N, L), such as posterior means, and the factors
/// (N, F) of their examples, small whole numbers: the mean over factors v of (I(z_i; v) − I(z_j; v)) / H(v),
/// z_i and z_j being the two components that tell most of v. 1 where each factor is told by a component
/// alone, 0 where none tells it or two alike. Components are put into 20 bins of one width (Locatello et al.
/// 2019). Throws unless both have N rows, for codes that are not finite, and for a factor that does not vary.
double mutual_information_gap(const Tensor<double>& codes, const Tensor<std::uint32_t>& factors);

}  // namespace strata
