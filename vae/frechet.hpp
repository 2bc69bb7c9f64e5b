// How far two sets of examples are apart, in features of a network's.
#pragma once

#include "strata/tensor/tensor.hpp"

namespace strata {

/// The Fréchet distance of two normals with the means and covariances of the rows of a (N, D) and b (M, D)
/// (Dowson and Landau 1982; of features of an Inception network it is the FID of Heusel et al. 2017):
/// ‖m_a − m_b‖² + tr(S_a + S_b − 2 (S_a^½ S_b S_a^½)^½). Covariances are divided by N. Throws unless both are
/// matrices of one width with rows, and finite.
double frechet_distance(const Tensor<float>& a, const Tensor<float>& b);

}  // namespace strata
