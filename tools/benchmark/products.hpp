// The matrix products of a model, alone: no computation on these products can take less time.
#pragma once

#include "strata/vae/models/vae.hpp"

namespace strata::tools {

/// Those of a pass over `batch` images with so many samples of z for each: q(z_1 | x) reads the images, all
/// other networks the samples.
class Products {
 public:
  Products(Vae<float>& model, std::size_t batch, std::size_t samples = 1);

  /// x W for every weight W and its inputs x.
  void run_forward();

  /// Those of a training step: for outputs y also xᵀ ȳ and, but for the layer that reads the data, ȳ Wᵀ.
  void run_step();

 private:
  struct Layer {
    Tensor<float> w, x, y_grad, y, w_grad, x_grad;
  };
  std::vector<Layer> layers_;
};

}  // namespace strata::tools
