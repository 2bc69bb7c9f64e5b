#include "strata/tools/run/run_config.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include "strata/tools/run/numbers.hpp"

namespace strata::tools {
namespace {

template <class T> constexpr bool is_optional = false;
template <class T> constexpr bool is_optional<std::optional<T>> = true;

template <class T> std::string to_text(const T& value) {
  if constexpr (HasNames<T>)
    return to_string(value);
  else if constexpr (is_optional<T>)
    return value ? to_text(*value) : "auto";
  else if constexpr (std::is_same_v<T, bool>)
    return value ? "true" : "false";
  else if constexpr (std::is_same_v<T, double>)
    return format_number(value);
  else if constexpr (std::is_same_v<T, std::string>)
    return value;
  else
    return std::to_string(value);
}

std::string to_text(const std::vector<std::size_t>& values) {
  std::string text;
  for (const std::size_t value : values) text += (text.empty() ? "" : ",") + std::to_string(value);
  return text;
}

// Sets `value` from its text, as to_text writes it. Throws where that is none of its values.
template <class T> void from_text(const std::string& name, const std::string& text, T& value) {
  const auto require = [&](bool good, const char* kind) {
    if (!good) fail(name, "'" + text + "' is no " + kind);
  };
  if constexpr (HasNames<T>) {
    value = parse<T>(text);
  } else if constexpr (is_optional<T>) {
    value.reset();
    if (text != "auto") value = parse<typename T::value_type>(text, "auto, ");
  } else if constexpr (std::is_same_v<T, std::vector<std::size_t>>) {
    value.clear();
    std::istringstream parts(text.empty() ? text : text + ',');
    for (std::string part; std::getline(parts, part, ',');)
      require(read_number(part, value.emplace_back()), "list of whole numbers such as 500,300");
  } else if constexpr (std::is_same_v<T, std::string>) {
    value = text;
  } else if constexpr (std::is_same_v<T, bool>) {
    value = text == "true";
    require(value || text == "false", "true or false");
  } else {
    require(read_number(text, value), std::is_same_v<T, double> ? "finite number" : "whole number");
  }
}

// ": softplus, relu, ..." for what is chosen by name
template <class T> std::string choices_of(const T&) {
  if constexpr (HasNames<T>)
    return ": " + choices<T>();
  else
    return "";
}
template <class T> std::string choices_of(const std::optional<T>&) { return ": auto, " + choices<T>(); }

std::string option_name(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

void at_least_one(const char* name, std::size_t value) {
  if (value == 0) fail(name, "it is 0, but must be at least 1");
}

void not_negative(const char* name, double value) {
  if (!(value >= 0)) fail(name, "it is " + format_number(value) + ", but must not be negative");
}

void above_zero(const char* name, double value) {
  if (!(value > 0)) fail(name, "it is " + format_number(value) + ", but must be above 0");
}

// Training computes in float: a number that is 0 or infinite there is refused, not used.
void require_float(const std::string& name, double value) {
  const auto there = static_cast<float>(value);
  if (std::isinf(there) || (value != 0 && std::abs(there) < std::numeric_limits<float>::min()))
    fail(name, "it is " + format_number(value) + ", which single precision cannot hold");
}

}  // namespace

void add_options(CLI::App& app, RunConfig& config) {
  RunConfig::fields(config, [&](const std::string& name, auto& field, const std::string& meaning) {
    using Field = std::remove_cvref_t<decltype(field)>;
    const std::string option = "--" + option_name(name);
    if constexpr (std::is_same_v<Field, bool>)
      app.add_flag(option, field, meaning);
    else
      app.add_option_function<std::string>(
             option, [&field, name](const std::string& text) { from_text(option_name(name), text, field); },
             meaning + choices_of(field))
          ->default_str(to_text(field));
  });
}

std::vector<std::string> options_of(const RunConfig& config) {
  const auto defaults = to_metadata(RunConfig{});
  std::vector<std::string> words;
  RunConfig::fields(config, [&](const std::string& name, const auto& field, const char*) {
    const std::string text = to_text(field);
    if (text == defaults.at(name)) return;
    words.push_back("--" + option_name(name));
    if constexpr (!std::is_same_v<std::remove_cvref_t<decltype(field)>, bool>) words.push_back(text);
  });
  return words;
}

void require_possible(const RunConfig& c) {
  constexpr std::size_t widest = 1'000'000;
  RunConfig::fields(c, [](const std::string& name, const auto& field, const char*) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(field)>, double>)
      require_float(option_name(name), field);
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(field)>, std::vector<std::size_t>>)
      for (const std::size_t width : field)
        if (width == 0 || width > widest)
          fail(option_name(name),
               "the width " + std::to_string(width) + " is not between 1 and " + std::to_string(widest));
  });
  if (c.latent.empty())
    fail("latent", "there is no width; a model has one layer at least, such as --latent 2");
  at_least_one("components", c.components);
  if (c.components > widest)
    fail("components",
         "they are " + std::to_string(c.components) + ", but at most " + std::to_string(widest));
  if (c.flow_steps > 1000)
    fail("flow-steps", "they are " + std::to_string(c.flow_steps) + ", but at most 1000");
  const bool vae = c.model == ModelKind::vae, vamp = c.prior == PriorKind::vamp;
  const std::string model = to_string(c.model);
  const bool baseline = c.model == ModelKind::baseline;
  const bool one_layer = c.model == ModelKind::m2 || c.model == ModelKind::infinite;
  if (!vae && !baseline && c.latent.size() != (one_layer ? 1 : 2))
    fail("model", model + " has " + (one_layer ? "one --latent width" : "two --latent widths"));
  if (!vae && (c.conditional || c.full_top_covariance || c.posterior != PosteriorKind::normal))
    fail("model", model + " has neither --conditional, --posterior nor --full-top-covariance");
  if (!vae && c.model != ModelKind::hvae && c.prior != PriorKind::standard)
    fail("prior", model + " has one of its own");
  if ((c.conditional || c.quadrants > 0) && c.prior != PriorKind::standard)
    fail("prior", "a conditional model has a prior of its own");
  if (c.quadrants > 3 || (c.quadrants > 0 && c.conditional))
    fail("quadrants", "of the four, 1 to 3 can be given, without --conditional");
  if (c.quadrants > 0 && !vae && !baseline) fail("quadrants", model + " reads none");
  if (baseline && c.quadrants == 0) fail("model", "baseline tells from --quadrants");
  if (vamp && (c.full_top_covariance || c.posterior != PosteriorKind::normal))
    fail("prior", "vamp needs a posterior of independent components");
  if (vamp && c.batch_norm)
    fail("prior", "vamp encodes pseudo-inputs, which --batch-norm would mix into its averages");
  if (c.components_from_data && !(vamp && (!vae || c.latent.size() == 1)))
    fail("components-from-data",
         "only pseudo-inputs that stand for images can start there: --prior vamp "
         "with one stochastic layer, or --model hvae");
  if (c.feature_draws > 0 &&
      (c.features.empty() || !(vae || c.model == ModelKind::m2) || c.latent.size() != 1))
    fail("feature-draws", "they need --features, --model vae (a second stage) or m2, and one --latent width");
  if (c.feature_draws > 1000)
    fail("feature-draws", "they are " + std::to_string(c.feature_draws) + ", but at most 1000");
  above_zero("concentration", c.concentration);
  at_least_one("memory", c.memory);
  at_least_one("label-repeats", c.label_repeats);
  if (c.known_labels > 0 && c.model != ModelKind::m2) fail("known-labels", "they belong to --model m2");
  not_negative("classifier-weight", c.classifier_weight);
  not_negative("capacity", c.capacity);
  not_negative("gamma", c.gamma);
  at_least_one("epochs", c.epochs);
  at_least_one("batch", c.batch);
  at_least_one("samples", c.samples);
  if (c.batch_norm && c.batch == 1)
    fail("batch", "it is 1, but --batch-norm normalises over at least 2 images");
  not_negative("beta", c.beta);
  not_negative("free-bits", c.free_bits);
  not_negative("clip-norm", c.clip_norm);
  above_zero("lr", c.lr);
  above_zero("noise-variance", c.noise_variance);
  if (!(c.ema >= 0 && c.ema < 1)) fail("ema", "it is " + format_number(c.ema) + ", but must lie in [0, 1)");
  if (!(c.elbo_share >= 0 && c.elbo_share <= 1))
    fail("elbo-share", "it is " + format_number(c.elbo_share) + ", but must lie in [0, 1]");
  if (c.early_stopping > 0 && c.validation == 0)
    fail("early-stopping", "it goes by images that --validation holds out");
  if (c.free_bits > 0 && !std::holds_alternative<Elbo>(c.objective))
    fail("free-bits", "they belong to --objective elbo");
  if (c.groups == 0 || c.samples % c.groups != 0)
    fail("groups", "they are " + std::to_string(c.groups) + ", but must divide --samples, which is " +
                       std::to_string(c.samples));
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
    if (found != metadata.end()) from_text(name, found->second, field);
  });
  require_possible(config);
  return config;
}

RunConfig resumed(const CLI::App& app, const RunConfig& given, const RunConfig& saved,
                  std::size_t begun_epochs) {
  const auto texts = to_metadata(given), saved_texts = to_metadata(saved);
  for (const auto& [name, text] : texts) {
    const std::string option = "--" + option_name(name);
    if (app.count(option) == 0 || name == "epochs" || name == "manifold") continue;
    if (text != saved_texts.at(name))
      fail("resume", option + " is " + text + ", and was " + saved_texts.at(name) +
                         " when the run began; it goes on as it began, a change needs a new run");
  }
  RunConfig config = saved;
  if (app.count("--manifold") > 0) config.manifold = given.manifold;
  if (app.count("--epochs") > 0) config.epochs = given.epochs;
  const std::string change =
      "--epochs " + std::to_string(config.epochs) + " instead of " + std::to_string(saved.epochs);
  if (config.epochs < begun_epochs)
    fail("resume", change + ": " + std::to_string(begun_epochs) + " are begun already");
  const Schedule before = make_schedule(saved.schedule, saved.epochs),
                 now = make_schedule(config.schedule, config.epochs);
  for (std::size_t epoch = 0; epoch < begun_epochs; ++epoch)
    if (before(epoch) != now(epoch))
      fail("resume", change + " would change the learning rate of epoch " + std::to_string(epoch + 1) +
                         ", which is trained already, since --schedule " + to_string(saved.schedule) +
                         " stretches over all epochs; a longer run must begin anew");
  return config;
}

Objective objective_of(const RunConfig& c) {
  return std::visit(
      [&](auto chosen) -> Objective {
        if constexpr (requires { chosen.beta; }) chosen.beta = c.beta;
        if constexpr (requires { chosen.capacity; }) chosen.capacity = c.capacity, chosen.gamma = c.gamma;
        if constexpr (requires { chosen.free_bits; }) chosen.free_bits = c.free_bits;
        if constexpr (requires { chosen.groups; }) chosen.groups = c.groups;
        if constexpr (requires { chosen.elbo_share; }) chosen.elbo_share = c.elbo_share;
        return chosen;
      },
      c.objective);
}

ObjectiveOptions objective_options(const RunConfig& c) {
  return {.samples = c.samples,
          .warmup_epochs = c.warmup_epochs,
          .schedule = make_schedule(c.schedule, c.epochs),
          .clip_norm = c.clip_norm};
}

TrainingOptions training_options(const RunConfig& c, Group* group) {
  return {.batch = c.batch, .binarize = c.binarize, .seed = c.seed, .group = group};
}

}  // namespace strata::tools
