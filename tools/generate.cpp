// Writes pictures of what a trained model generates.
#include <iostream>

#include "tensor/io/png.hpp"
#include "tools/command_line.hpp"
#include "tools/mnist.hpp"
#include "tools/model_pictures.hpp"
#include "tools/run_folder.hpp"

namespace {

using namespace strata;
using namespace strata::tools;

struct Options {
  DataOptions data;
  std::string run, out;
  std::uint64_t seed = 0;
};

void generate(const Options& o) {
  Run run = load_run(o.run);
  const Mnist mnist = load(o.data);
  const std::filesystem::path out = o.out.empty() ? o.run + "/generated" : o.out;
  std::filesystem::create_directories(out);
  const auto input = model_input(mnist.test, 64, run.config, o.seed);
  const auto write = [&](const std::string& name, const Tensor<std::uint8_t>& picture,
                         const std::string& what) {
    write_png(out / name, picture);
    std::cout << (out / name).string() << ": " << what << "\n";
  };
  write("samples.png", picture_samples(run.model, run.config, o.seed),
        run.config.conditional ? "ancestral samples, one row for each label" : "ancestral samples");
  const std::size_t top = run.config.latent.size();
  for (std::size_t t = top; t >= 2; --t)
    write("keep_z" + std::to_string(t) + ".png", picture_layer(run.model, run.config, t, o.seed),
          "in each row z_" + std::to_string(t) + (t == top ? "" : " and those above") +
              " are kept and the layers below drawn anew");
  write("interpolations.png", picture_interpolations(run.model, input),
        "between posterior means of test images");
  write("reconstructions.png", picture_reconstructions(run.model, input),
        "test images above their reconstructions");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Writes pictures of what a trained model generates.");
  Options options;
  app.add_option("run", options.run, "folder that train_mnist wrote")->required();
  add_data_options(app, options.data);
  app.add_option("--out", options.out, "folder for the pictures; else RUN/generated");
  app.add_option("--seed", options.seed, "of the samples")->check(whole_number)->capture_default_str();
  return run_program(app, argc, argv, [&] { generate(options); });
}
