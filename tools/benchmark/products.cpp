#include "strata/tools/benchmark/products.hpp"

#include "strata/tensor/linalg.hpp"
#include "strata/tools/benchmark/benchmarks.hpp"

namespace strata::tools {

Products::Products(Vae<float>& model, std::size_t batch, std::size_t samples) {
  const std::size_t of_images = parameters<float>(model.q[0]).size();  // they come first
  const auto all = parameters(model);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Tensor<float>& w = all[i].parameter->value();
    if (w.dimension() != 2) continue;
    const std::size_t rows = i < of_images ? batch : batch * samples;
    layers_.push_back(
        {normals(w.shape()), normals({rows, w.shape(0)}), normals({rows, w.shape(1)}), {}, {}, {}});
  }
}

void Products::run_forward() {
  for (Layer& l : layers_) matmul(l.x, Transpose::no, l.w, Transpose::no, 0.0f, l.y);
}

void Products::run_step() {
  run_forward();
  for (std::size_t i = layers_.size(); i-- > 0;) {
    Layer& l = layers_[i];
    matmul(l.x, Transpose::yes, l.y_grad, Transpose::no, 0.0f, l.w_grad);
    if (i > 0) matmul(l.y_grad, Transpose::no, l.w, Transpose::yes, 0.0f, l.x_grad);
  }
}

}  // namespace strata::tools
