// What a command line can train: one of the library's models.
#pragma once

#include <variant>

#include "strata/vae/models/baseline.hpp"
#include "strata/vae/models/gmvae.hpp"
#include "strata/vae/models/hvae.hpp"
#include "strata/vae/models/infinite.hpp"
#include "strata/vae/models/m2.hpp"
#include "strata/vae/models/two_stage.hpp"
#include "strata/vae/models/vae.hpp"

namespace strata::tools {

enum class ModelKind { vae, hvae, gmvae, m2, baseline, infinite };

/// One of the models of vae/models, as a model.
struct Model {
  std::variant<Vae<float>, Hvae<float>, Gmvae<float>, M2<float>, Baseline<float>, Infinite<float>,
               TwoStage<float>>
      chosen;

  /// Calls f(model) with the one that was chosen.
  template <class F> auto visit(F f) const { return std::visit(f, chosen); }
  template <class F> auto visit(F f) { return std::visit(f, chosen); }

  Pass<float> pass(const Given<float>& given, const Noise<float>& noise, Context context = {}) const {
    return visit([&](const auto& model) { return model.pass(given, noise, context); });
  }
  Layers<Var<float>> draw(Tape<float>& tape, std::size_t t, std::size_t rows, Var<float> condition,
                          const Noise<float>& noise) const {
    return visit([&](const auto& model) { return model.draw(tape, t, rows, condition, noise); });
  }
  Var<float> decode(const Layers<Var<float>>& z, Var<float> condition, const Noise<float>& noise) const {
    return visit([&](const auto& model) { return model.decode(z, condition, noise); });
  }
  Interval support() const {
    return visit([](const auto& model) { return model.support(); });
  }

  /// The widths of its layers, bottom up.
  Layers<std::size_t> latent() const {
    return visit([](const auto& model) { return model.latent(); });
  }

  static void fields(auto& self, auto&& visit) { visit("", self.chosen); }
};

}  // namespace strata::tools

template <> struct strata::Named<strata::tools::ModelKind> {
  static constexpr const char* what = "model";
  static constexpr std::array names = {"vae", "hvae", "gmvae", "m2", "baseline", "infinite"};
};
