#include "tools/run_config.hpp"

#include <algorithm>
#include <sstream>

#include "tools/command_line.hpp"

namespace strata::tools {
namespace {

std::string to_text(bool value) { return value ? "true" : "false"; }
std::string to_text(double value) { return format_number(value); }
std::string to_text(std::uint64_t value) { return std::to_string(value); }
std::string to_text(const std::string& value) { return value; }
std::string to_text(const std::vector<std::size_t>& values) {
  std::string text;
  for (const std::size_t value : values) text += (text.empty() ? "" : ",") + std::to_string(value);
  return text;
}

template <class T> bool from_text(const std::string& text, T& value) {
  if constexpr (std::is_same_v<T, std::string>) {
    value = text;
    return true;
  } else if constexpr (std::is_same_v<T, std::vector<std::size_t>>) {
    value.clear();
    std::istringstream parts(text);
    for (std::string part; std::getline(parts, part, ',');) {
      value.emplace_back();
      if (!from_text(part, value.back())) return false;
    }
    return true;
  } else {
    return CLI::detail::lexical_cast(text, value);
  }
}

}  // namespace

void add_options(CLI::App& app, RunConfig& config) {
  RunConfig::fields(config, [&](std::string name, auto& field, const char* meaning) {
    std::replace(name.begin(), name.end(), '_', '-');
    using Field = std::remove_cvref_t<decltype(field)>;
    if constexpr (std::is_same_v<Field, bool>) {
      app.add_flag("--" + name, field, meaning);
    } else {
      auto* option = app.add_option("--" + name, field, meaning)->default_str(to_text(field));
      if constexpr (std::is_same_v<Field, std::vector<std::size_t>>)
        option->delimiter(',')->transform(whole_number);
      if constexpr (std::is_same_v<Field, std::uint64_t>) option->transform(whole_number);
      if constexpr (std::is_same_v<Field, double>) option->check(finite_number);
    }
  });
}

std::map<std::string, std::string> to_metadata(const RunConfig& config) {
  std::map<std::string, std::string> metadata;
  RunConfig::fields(
      config, [&](const char* name, const auto& field, const char*) { metadata[name] = to_text(field); });
  return metadata;
}

RunConfig from_metadata(const std::map<std::string, std::string>& metadata) {
  RunConfig config;
  RunConfig::fields(config, [&](const char* name, auto& field, const char*) {
    const auto found = metadata.find(name);
    if (found != metadata.end() && !from_text(found->second, field))
      fail("run", "'" + found->second + "' is no value of " + name);
  });
  return config;
}

MarkovHvaeConfig model_config(const RunConfig& c, std::size_t pixels) {
  constexpr std::size_t widest = 1'000'000;
  for (const auto* widths : {&c.hidden, &c.latent, &c.upper_hidden})
    for (const std::size_t width : *widths)
      if (width == 0 || width > widest)
        fail(widths == &c.hidden   ? "hidden"
             : widths == &c.latent ? "latent"
                                   : "upper-hidden",
             "the width " + std::to_string(width) + " is not between 1 and " + std::to_string(widest));
  return {.data = pixels,
          .hidden = c.hidden,
          .latent = c.latent,
          .upper_hidden = c.upper_hidden,
          .networks = {.activation = parse_activation(c.activation),
                       .init = parse_init(c.init != "auto"       ? c.init
                                          : c.latent.size() == 1 ? "source"
                                                                 : "glorot"),
                       .batch_norm = c.batch_norm},
          .likelihood = parse_likelihood(c.likelihood),
          .noise_variance = c.noise_variance,
          .scale = parse_scale(c.scale),
          .top_covariance = c.full_top_covariance ? Covariance::full : Covariance::diagonal,
          .condition = condition_width(c)};
}

TrainingOptions training_options(const RunConfig& c) {
  const auto at_least_one = [](const char* name, std::size_t value) {
    if (value == 0) fail(name, "it is 0, but must be at least 1");
  };
  const auto not_negative = [](const char* name, double value) {
    if (!(value >= 0)) fail(name, "it is " + format_number(value) + ", but must not be negative");
  };
  at_least_one("epochs", c.epochs);
  at_least_one("batch", c.batch);
  at_least_one("samples", c.samples);
  if (c.batch_norm && c.batch == 1)
    fail("batch", "it is 1, but --batch-norm normalises over at least 2 images");
  not_negative("beta", c.beta);
  not_negative("free-bits", c.free_bits);
  not_negative("clip-norm", c.clip_norm);
  if (!(c.lr > 0)) fail("lr", "it is " + format_number(c.lr) + ", but must be above 0");
  const Bound bound = parse_bound(c.objective);
  if (bound == Bound::iwae && c.free_bits > 0) fail("free-bits", "they belong to --objective elbo");
  return {.batch = c.batch,
          .binarize = parse_binarize(c.binarize),
          .classes = condition_width(c),
          .objective = {bound, c.beta, c.free_bits},
          .samples = c.samples,
          .warmup_epochs = c.warmup_epochs,
          .schedule = parse_schedule(c.schedule, c.epochs),
          .clip_norm = c.clip_norm,
          .seed = c.seed};
}

std::size_t condition_width(const RunConfig& config) { return config.conditional ? 10 : 0; }

}  // namespace strata::tools
