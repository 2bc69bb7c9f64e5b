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

void generate(const Options& o) {
  const auto [run, data] = open(o);
  if (const std::string choice = choice_of(run); !choice.empty()) std::cout << choice << "\n";
  const std::filesystem::path out = o.out.empty() ? o.run + "/generated" : o.out;
  // What a stranger's run holds may be a link to anything.
  if (o.out.empty() && std::filesystem::is_symlink(out))
    fail_file("generate", out, "is a link, which is not followed; name a folder with --out");
  std::filesystem::create_directories(out);
  if (!is_image(data.test)) fail("generate", "what this model sees are no images");
  const auto images = test_batch(data.test, 64, run.config, o.seed);
  const auto options = picture_options(run.config, data.test, o.seed);
  const auto write = [&](const std::string& name, const Tensor<std::uint8_t>& picture,
                         const std::string& what) {
    if (std::filesystem::is_symlink(out / name)) std::filesystem::remove(out / name);
    write_png(out / name, picture);
    std::cout << printable((out / name).string()) << ": " << what << "\n";
  };
  write("samples.png", picture_samples(run.model, options),
        run.config.conditional ? "ancestral samples, one row for each label" : "ancestral samples");
  const std::size_t top = run.model.latent().size();
  for (std::size_t t = top; t >= 2; --t)
    write("keep_z" + std::to_string(t) + ".png", picture_layer(run.model, t, options),
          "in each row z_" + std::to_string(t) + (t == top ? " is" : " and those above are") +
              " kept and the layers below drawn anew");
  write("interpolations.png", picture_interpolations(run.model, images, options),
        "between posterior means of test images");
  write("reconstructions.png", picture_reconstructions(run.model, images, options),
        "test images above their reconstructions");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Writes pictures of what a trained model generates.");
  Options options;
  add_trained_run_options(app, options, "of the samples");
  app.add_option("--out", options.out, "folder for the pictures; else RUN/generated")->check(not_empty);
  return run_program(app, argc, argv, [&] { generate(options); });
}
