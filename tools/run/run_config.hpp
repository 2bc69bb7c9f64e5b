// What defines a run: the model, how it is trained, and on what data. Known by the same names on the command
// line, in a model file's metadata, and here.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "strata/tools/pictures/model_pictures.hpp"
#include "strata/tools/run/model.hpp"
#include "strata/vae/training.hpp"

namespace CLI {
class App;
}

namespace strata::tools {

/// The defaults are the source's model, a VAE with two latents, on binarised MNIST.
struct RunConfig {
  ModelKind model = ModelKind::vae;
  std::vector<std::size_t> hidden = {500, 300, 150};
  std::vector<std::size_t> latent = {2};
  std::vector<std::size_t> upper_hidden = {100, 100};
  Activation activation = Activation::softplus;
  bool batch_norm = false;
  std::optional<Init> init = {};
  Likelihood likelihood = Likelihood::bernoulli;
  double noise_variance = 0.05;
  Scale scale = Scale::log_variance;
  PosteriorKind posterior = PosteriorKind::normal;
  bool full_top_covariance = false;
  std::size_t flow_steps = 4;
  std::vector<std::size_t> flow_hidden = {100};
  PriorKind prior = PriorKind::standard;
  std::size_t components = 500;
  bool components_from_data = false;
  double concentration = 0.01;
  std::size_t memory = 1000;
  std::size_t known_labels = 0;
  std::size_t label_repeats = 1;
  double classifier_weight = 0.1;
  bool conditional = false;
  std::size_t quadrants = 0;
  std::vector<std::size_t> prior_hidden = {};
  std::string features = "";
  std::size_t feature_draws = 0;
  bool no_output_bias = false;
  Binarize binarize = Binarize::dynamic;
  Objective objective = Elbo{};
  std::size_t samples = 1;
  std::size_t groups = 1;
  double elbo_share = 0.5;
  double beta = 1;
  double free_bits = 0;
  double capacity = 25;
  double gamma = 1000;
  std::size_t warmup_epochs = 0;
  std::size_t epochs = 20;
  std::size_t batch = 128;
  Rule optimizer = Adam{};
  double lr = 1e-3;
  Decay schedule = Decay::constant;
  double clip_norm = 0;
  double ema = 0;
  std::size_t validation = 0;
  std::size_t early_stopping = 0;
  std::uint64_t seed = 0;
  ManifoldGrid manifold = ManifoldGrid::quantiles;

  /// Calls visit(name, field, what it means in one line) for every field; a choice's names are told with it.
  static void fields(auto& self, auto&& visit) {
    visit(
        "model", self.model,
        "hvae: q(z_2 | x) q(z_1 | x, z_2) p(x | z_1, z_2) p(z_1 | z_2) p(z_2); gmvae: z_1 in clusters given "
        "z_2; m2: p(x | y, z) of labels y; baseline: p(x | c), without latents; infinite: as many vaes as it "
        "needs");
    visit("hidden", self.hidden,
          "widths of the hidden layers between x and z_1; p(x | z_1) has them in reverse");
    visit("latent", self.latent, "widths of the stochastic layers z_1 ... z_T, bottom up");
    visit("upper_hidden", self.upper_hidden, "widths of the hidden layers between two stochastic layers");
    visit("activation", self.activation, "of the hidden layers");
    visit("batch_norm", self.batch_norm, "normalise every hidden layer over the batch");
    visit("init", self.init, "initial weights; auto: as suits the activation and the number of layers");
    visit("likelihood", self.likelihood, "p(x | z_1)");
    visit("noise_variance", self.noise_variance,
          "variance of the normal likelihoods: fixed, or where learning starts");
    visit("scale", self.scale,
          "what a network's scale is: the log variance, or softplus of it the deviation");
    visit("posterior", self.posterior, "q(z_t | z_{t-1}); of flows: a normal moved by so many steps");
    visit("flow_steps", self.flow_steps, "of posteriors that are flows");
    visit("flow_hidden", self.flow_hidden, "widths of the network of a flow's step");
    visit("full_top_covariance", self.full_top_covariance, "a full covariance for the posterior of z_T");
    visit("prior", self.prior, "p(z_T); vamp: the mixture of q(z_T | u) at learned pseudo-inputs u");
    visit("components", self.components,
          "how many normals, pseudo-inputs, clusters of gmvae, or vaes of infinite at most");
    visit("components_from_data", self.components_from_data,
          "pseudo-inputs start at the first training images, not at 0.05 ± 0.01");
    visit("concentration", self.concentration, "of infinite's Dirichlet process");
    visit("memory", self.memory, "infinite counts what its vaes have of so many examples, the last ones");
    visit("known_labels", self.known_labels, "for m2, so many labels, as many of each class; 0: all");
    visit("label_repeats", self.label_repeats, "images of known label come so often an epoch");
    visit("classifier_weight", self.classifier_weight,
          "for m2: of -ln q(y | x), times the images for each label known");
    visit("conditional", self.conditional, "every network reads the label too");
    visit("quadrants", self.quadrants, "so many quadrants are given, as the condition of the others");
    visit("prior_hidden", self.prior_hidden, "widths of the hidden layers of p(z_T | c)");
    visit("features", self.features, "train on the means of q(z_1 | x) of the run in this folder");
    visit("feature_draws", self.feature_draws,
          "on so many draws of it for each image instead; a vae is a second stage, evaluated together with "
          "that run, and m2 is tested on the means");
    visit("no_output_bias", self.no_output_bias, "do not start the output at the training images' mean");
    visit("binarize", self.binarize, "how grey levels become data");
    visit("objective", self.objective, "what training maximises");
    visit("samples", self.samples, "draws of z for each image in training");
    visit("groups", self.groups, "bounds of its own draws each, for the objectives miwae and piwae");
    visit("elbo_share", self.elbo_share, "of the mean of ln w beside the bound, for the objective ciwae");
    visit("beta", self.beta, "weight of the KL in training");
    visit("free_bits", self.free_bits, "nats of each layer's KL that cost nothing in training");
    visit("capacity", self.capacity, "nats that the KL is drawn to, for the objective capacity");
    visit("gamma", self.gamma, "how strongly");
    visit("warmup_epochs", self.warmup_epochs, "beta, or the capacity, grows linearly over so many epochs");
    visit("epochs", self.epochs, "passes over the training images");
    visit("batch", self.batch, "images a training step");
    visit("optimizer", self.optimizer, "rule of gradient descent");
    visit("lr", self.lr, "learning rate, at the schedule's start");
    visit("schedule", self.schedule, "of the learning rate");
    visit("clip_norm", self.clip_norm, "largest norm of all gradients together; 0 for any");
    visit("ema", self.ema,
          "decay of the average of the weights that is evaluated; 0: the weights themselves");
    visit("validation", self.validation,
          "hold out the last so many training images; the best model by them is kept, too");
    visit("early_stopping", self.early_stopping,
          "end when so many epochs did not raise the validation bound; 0: never");
    visit("seed", self.seed, "of everything random");
    visit("manifold", self.manifold, "manifold.png over the prior's quantiles, or from -2 to 2");
  }
};

/// One option of the command line for every field: --upper-hidden for upper_hidden.
void add_options(CLI::App& app, RunConfig& config);

/// The words of a command line that differ from the defaults: {"--latent", "100,50", "--batch-norm"}.
std::vector<std::string> options_of(const RunConfig& config);

/// Throws for a value that no run can have, by its option's name.
void require_possible(const RunConfig& config);

/// Every field as text, and back. Throws for text that is no value of its field as `to_metadata` writes them,
/// and names both; fields that are absent keep their defaults.
std::map<std::string, std::string> to_metadata(const RunConfig& config);
RunConfig from_metadata(const std::map<std::string, std::string>& metadata);

/// What a run goes on with that was saved after beginning so many epochs: its own configuration, but for the
/// epochs and pictures that were given on the command line. Throws, naming the option, for another that was
/// given and is not the run's, and for epochs with which the schedule would have been another so far.
RunConfig resumed(const CLI::App& app, const RunConfig& given, const RunConfig& saved,
                  std::size_t begun_epochs);

/// What the library's parts make of it, for examples of this width and labels of so many classes. Throws if
/// it needs labels and there are none.
VaeConfig model_config(const RunConfig& config, std::size_t width, std::size_t classes);
Model make_model(const RunConfig& config, std::size_t width, std::size_t classes, Rng& rng);

/// The training data as the model sees them: with as many labels as are known to it.
Dataset training_data(const RunConfig& config, const Dataset& train);

/// A file with such a model has at least so many bytes: what its metadata describe costs memory, and may be
/// anything.
double least_bytes(const RunConfig& config, std::size_t width, std::size_t classes);

Objective objective_of(const RunConfig& config);
ObjectiveOptions objective_options(const RunConfig& config);
TrainingOptions training_options(const RunConfig& config, Group* group = nullptr);

}  // namespace strata::tools
