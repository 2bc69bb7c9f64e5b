// A decoder as the page computes it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "strata/vae/models/vae.hpp"

namespace strata::tools {

/// {"activation", "softplus_scale", "prior", "p", "decoder", "weights"}: how E[x | z] follows from z_T and
/// the noise of the layers below. `prior` is null where it is N(0, I), or {"mean", "scale"}; `p` has {"body",
/// "mean", "scale"} for t = 1 ... T − 1, `decoder` {"body", "output", "sigmoid"}. A map {"in", "out", "at"}
/// is h W + b, with batch normalisation as in inference folded in; W (in, out) and then b lie from `at` on in
/// the weights, float32, little-endian, in base64. A body is a list of maps, with the activation after each.
nlohmann::ordered_json networks_of(const Vae<float>& model);

/// Bytes as letters (RFC 4648).
std::string base64(std::string_view bytes);

/// Numbers as float32, little-endian, in base64.
std::string base64(const std::vector<float>& numbers);

}  // namespace strata::tools
