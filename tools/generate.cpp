// Writes pictures of what a trained model generates.
#include <iostream>

#include "strata/tensor/io/file.hpp"
#include "strata/tensor/io/png.hpp"
#include "strata/tools/run/trained_run.hpp"
#include "strata/tools/run/view.hpp"

namespace {

using namespace strata;
using namespace strata::tools;

struct Options : TrainedRunOptions {
  std::string out;
};

struct Picture {
  std::string name;
  Tensor<std::uint8_t> pixels;
  std::string what;
};

// All that the test images are enough for.
std::vector<Picture> pictures_of(const Run& run, const Batch<float>& images, const PictureOptions& options) {
  std::vector<Picture> all;
  all.push_back(
      {"samples", picture_samples(run.model, options),
       reads_labels(run.config) ? "ancestral samples, one row for each label" : "ancestral samples"});
  const std::size_t top = run.model.latent().size();
  for (std::size_t t = top; t >= 2; --t)
    all.push_back({"keep_z" + std::to_string(t), picture_layer(run.model, t, options),
                   "in each row z_" + std::to_string(t) + (t == top ? " is" : " and those above are") +
                       " kept and the layers below drawn anew"});
  if (images.x.value().shape(0) >= 2)
    all.push_back({"interpolations", picture_interpolations(run.model, images, options),
                   "between posterior means of test images"});
  all.push_back({"reconstructions", picture_reconstructions(run.model, images, options),
                 "test images above their reconstructions"});
  return all;
}

void generate(const Options& o) {
  const auto [run, data] = open(o);
  if (const std::string choice = choice_of(run); !choice.empty()) std::cout << choice << "\n";
  const std::filesystem::path out = o.out.empty() ? o.run + "/generated" : o.out;
  // What a stranger's run holds may be a link to anything.
  if (o.out.empty() && std::filesystem::is_symlink(out))
    fail_file("generate", out, "is a link, which is not followed; name a folder with --out");
  if (!is_image(data.test)) fail("generate", "what this model sees are no images");
  const auto images = test_batch(data.test, 64, run.config, o.seed);
  const auto pictures = pictures_of(run, images, picture_options(run.config, data, o.seed));
  std::filesystem::create_directories(out);
  for (const auto& [name, pixels, what] : pictures) {
    const auto file = own_file(out, name + ".png");
    write_png(file, pixels);
    std::cout << printable(file.string()) << ": " << what << "\n";
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Writes pictures of what a trained model generates.");
  Options options;
  add_trained_run_options(app, options, "of the samples");
  app.add_option("--out", options.out, "folder for the pictures; else RUN/generated")->check(not_empty);
  return run_program(app, argc, argv, [&](Group*) { generate(options); });
}
