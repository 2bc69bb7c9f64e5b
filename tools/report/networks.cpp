#include "strata/tools/report/networks.hpp"

#include <bit>
#include <nlohmann/json.hpp>

namespace strata::tools {
namespace {

using Json = nlohmann::ordered_json;

// Gathers the weights of the maps that it describes.
class Maps {
 public:
  // h W + b, or γ (h W + b − μ) / √(σ² + ε) + β
  Json map(const Linear<float>& linear, const std::optional<BatchNorm<float>>& norm = {}) {
    const auto& W = linear.weight.value();
    const std::size_t in = W.shape(0), out = W.shape(1), at = weights_.size();
    std::vector<float> factor(out, 1.0f), bias(linear.bias.value().begin(), linear.bias.value().end());
    for (std::size_t j = 0; norm && j < out; ++j) {
      factor[j] = norm->gamma.value()(j) / std::sqrt(norm->running_variance.value()(j) + norm->epsilon);
      bias[j] = (bias[j] - norm->running_mean.value()(j)) * factor[j] + norm->beta.value()(j);
    }
    for (std::size_t i = 0; i < in; ++i)
      for (std::size_t j = 0; j < out; ++j) weights_.push_back(W(i, j) * factor[j]);
    weights_.insert(weights_.end(), bias.begin(), bias.end());
    return {{"in", in}, {"out", out}, {"at", at}};
  }

  Json body(const Mlp<float>& mlp) {
    Json maps = Json::array();
    for (const auto& layer : mlp.layers) maps.push_back(map(layer.linear, layer.norm));
    return maps;
  }

  Json head(const NormalHead<float>& head) {
    return {{"body", body(head.body)}, {"mean", map(head.mean)}, {"scale", map(head.scale)}};
  }

  std::string weights() const { return base64(weights_); }

 private:
  std::vector<float> weights_;
};

}  // namespace

Json networks_of(const Vae<float>& model) {
  Maps maps;
  Json networks;
  networks["prior"] = nullptr;
  if (const auto* prior = std::get_if<ConditionalPrior<float>>(&model.prior))
    networks["prior"] = maps.head(prior->head);
  networks["p"] = Json::array();
  for (const auto& head : model.p) networks["p"].push_back(maps.head(head));
  networks["softplus_scale"] = !model.p.empty() && model.p[0].scale_kind == Scale::softplus;
  std::visit(
      [&](const auto& head) {
        networks["activation"] = to_string(head.body.options.activation);
        networks["decoder"] = {
            {"body", maps.body(head.body)},
            {"output", maps.map(head.output)},
            {"sigmoid", std::is_same_v<std::decay_t<decltype(head)>, BernoulliHead<float>>}};
      },
      model.decoder);
  networks["weights"] = maps.weights();
  return networks;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned three = 0;
    for (std::size_t k = 0; k < 3; ++k)
      three = three << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k)
      text += i + k > bytes.size() ? '=' : letters[three >> (18 - 6 * k) & 63];
  }
  return text;
}

std::string base64(const std::vector<float>& numbers) {
  std::string bytes;
  for (const float number : numbers)
    for (int shift = 0; shift < 32; shift += 8)
      bytes += static_cast<char>(std::bit_cast<std::uint32_t>(number) >> shift & 0xff);
  return base64(bytes);
}

}  // namespace strata::tools
