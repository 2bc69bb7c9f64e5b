// Writes all that is known of a run as one page, which needs no network.
#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "strata/tensor/io/file.hpp"
#include "strata/tools/report/networks.hpp"
#include "strata/tools/report/page.hpp"
#include "strata/tools/run/trained_run.hpp"
#include "strata/vae/estimation.hpp"

namespace {

using namespace strata;
using namespace strata::tools;
using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

struct Options : TrainedRunOptions {
  std::string out;
};

// A word as a shell reads it.
std::string quoted(const std::string& word) {
  constexpr auto plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./,+=:";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? "'\\''" : std::string(1, c);
  return text + "'";
}

// The run's folder by its full name.
fs::path folder_of(const Options& o) { return (fs::absolute(o.run) / "").lexically_normal().parent_path(); }

// What trains the same run again, into a folder beside it.
std::string command(const Options& o, const RunConfig& config, const ImageData& data) {
  const fs::path checkpoint = folder_of(o) / "checkpoint.safetensors";
  std::vector<std::string> words = {"train_mnist", "--out", folder_of(o).string() + "-again", "--data",
                                    fs::absolute(data.path).string()};
  for (const std::string& word : options_of(config)) words.push_back(word);
  if (fs::exists(checkpoint)) {
    const auto saved = Safetensors::read_newest(checkpoint);
    if (saved.contains("threads") && saved.shape("threads").empty())
      words.insert(words.end(), {"--threads", std::to_string(saved.get<std::uint64_t>("threads")())});
  }
  std::string lines;
  for (const std::string& word : words)
    lines += (lines.empty() ? "" : word.starts_with("--") ? " \\\n  " : " ") + quoted(word);
  return lines;
}

Json configuration(const RunConfig& config) {
  const auto values = to_metadata(config), defaults = to_metadata(RunConfig{});
  Json all = Json::array();
  RunConfig::fields(config, [&](const std::string& name, const auto&, const char* meaning) {
    all.push_back(
        {{"name", name}, {"value", values.at(name)}, {"default", defaults.at(name)}, {"meaning", meaning}});
  });
  return all;
}

// Null where the page cannot compute the model.
Json networks(const Run& run) {
  const RunConfig& c = run.config;
  const auto* vae = std::get_if<Vae<float>>(&run.model.chosen);
  if (!vae || c.prior != PriorKind::standard || c.activation == Activation::gated ||
      c.scale == Scale::clamped || c.quadrants > 0)
    return nullptr;
  return networks_of(*vae);
}

// The top layer's units, those first whose posterior means vary most over the test images; of a plane also
// these means.
Json latents(const Run& run, const ImageData& data, std::uint64_t seed) {
  const auto images = test_batch(data.test, 10'000, run.config, seed);
  Rng rng{seed, 0, streams::posterior_means};
  const Tensor<double> means = posterior_means(run.model, images, 8, rng).back();
  const std::size_t count = means.shape(0), width = means.shape(1);
  std::vector<double> variance;
  for (std::size_t unit = 0; unit < width; ++unit)
    variance.push_back(xt::variance(xt::view(means, xt::all(), unit))());
  std::vector<std::size_t> units(width);
  std::iota(units.begin(), units.end(), std::size_t{0});
  std::stable_sort(units.begin(), units.end(),
                   [&](std::size_t a, std::size_t b) { return variance[a] > variance[b]; });
  units.resize(std::min<std::size_t>(width, 10));
  if (width == 2) std::sort(units.begin(), units.end());
  Json all = {{"units", units}, {"variance", variance}, {"points", nullptr}, {"labels", nullptr}};
  if (width != 2) return all;
  all["points"] = base64(std::vector<float>(means.begin(), means.end()));
  if (data.test.labels) {
    const auto& labels = *data.test.labels;
    all["labels"] =
        std::vector<std::size_t>(labels.begin(), labels.begin() + static_cast<std::ptrdiff_t>(count));
  }
  return all;
}

// The folder's own pictures by name; links are passed over, since a stranger's run may be anything.
void add_pictures(Json& pictures, const fs::path& folder, const std::string& prefix) {
  if (!fs::is_directory(folder) || fs::is_symlink(folder)) return;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().extension() == ".png" && !entry.is_symlink() && entry.is_regular_file())
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files)
    pictures.push_back({{"name", prefix + file.stem().string()}, {"png", base64(read_file(file))}});
}

Json json_file(const fs::path& file) {
  if (!fs::exists(file) || fs::is_symlink(file)) return nullptr;
  const Json content = Json::parse(read_file(file), nullptr, false);
  if (content.is_discarded())
    fail_file("report", file, "is no JSON; let evaluate write it again, or remove it");
  return content;
}

std::string metrics(const fs::path& file) {
  const std::string text = read_file(file, "report");
  try {
    parse_metrics(text);
  } catch (const std::exception& error) {
    fail_file("report", file, error.what());
  }
  return text;
}

void report(const Options& o) {
  const auto [run, data] = open(o);
  if (run.model.latent().empty()) fail("report", "a model without latents has nothing to explore");
  const fs::path folder = o.run;
  const RunConfig trained = load_run(folder).config;
  const auto widths = run.model.latent();
  Json content = {{"name", folder_of(o).filename().string()},
                  {"data_set", data.name},
                  {"choice", choice_of(run)},
                  {"command", command(o, trained, data)},
                  {"configuration", configuration(trained)},
                  {"metrics", metrics(folder / "metrics.csv")},
                  {"evaluation", json_file(folder / evaluation_name)},
                  {"pictures", Json::array()},
                  {"image", data.test.example_shape()},
                  {"layers", std::vector<std::size_t>(widths.begin(), widths.end())},
                  {"labels", data.labels},
                  {"classes", reads_labels(run.config) ? data.test.classes : 0},
                  {"latents", latents(run, data, o.seed)},
                  {"networks", networks(run)}};
  add_pictures(content["pictures"], folder, "");
  add_pictures(content["pictures"], folder / "generated", "generated/");
  std::string text = content.dump(-1, ' ', true, Json::error_handler_t::replace);
  for (std::size_t at = 0; (at = text.find('<', at)) != std::string::npos;) text.replace(at, 1, "\\u003c");
  std::string whole(page);
  whole.replace(whole.find(page_run), page_run.size(), text);
  const fs::path out = o.out.empty() ? own_file(folder, report_name) : fs::path(o.out);
  write_atomically(out, whole, "report");
  std::cout << printable(out.string()) << ": " << whole.size() / 1000 << " kB, to be opened in a browser\n";
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Writes all that is known of a run as one page: report.html, which needs no network.");
  Options options;
  add_trained_run_options(app, options, "of the test images' binarisation");
  app.add_option("--out", options.out, "file for the page; else RUN/report.html")->check(not_empty);
  return run_program(app, argc, argv, [&](Group*) { report(options); });
}
