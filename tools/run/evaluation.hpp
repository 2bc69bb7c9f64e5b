// What evaluate says of a run: its ELBO, and up to three opinions on its likelihood.
#pragma once

#include "strata/tools/run/classes.hpp"
#include "strata/tools/run/run_folder.hpp"
#include "strata/vae/annealing.hpp"
#include "strata/vae/estimation.hpp"
#include "strata/vae/refinement.hpp"

namespace strata::tools {

/// What importance samples are drawn from: q(z | x), or a proposal fitted to each image as well.
enum class Proposal { encoder, refined };

struct EvaluationOptions {
  std::size_t samples = 5000;  ///< of each image, from each proposal
  std::uint64_t seed = 0;
  Proposal proposal = Proposal::encoder;
  RefinementOptions refinement = {};  ///< with `samples` and `seed` of the evaluation
  bool ais = false;
  AnnealingOptions annealing = {};  ///< with `seed` of the evaluation
  Group* group = nullptr;           ///< whose processes share the images
};

/// Importance sampling of every image's ln p(x).
struct Opinion {
  MeanAndError log_likelihood;  // over images
  Convergence convergence;
};

/// Annealing, and its bidirectional check on images that the model drew.
struct Annealed {
  MeanAndError log_likelihood;                // over images
  double own_error;                           // of that mean, from the chains' spread
  double mean_effective, smallest_effective;  // chains of an image, of those that there are
  std::size_t simulated;                      // images; 0 where the model does not tell what made them
  double lower, upper;                        // mean bounds of their ln p(x)

  /// Why annealing is too short, or may be, or nothing. Its bias is at most the gap between the bounds, on
  /// such images as the model draws: it is doubted above 0.2 nats, and where it was not checked.
  std::string doubt() const;
};

/// Fréchet distances from test images.
struct Frechet {
  double samples, training;
};

struct Evaluation {
  std::size_t images;
  bool has_likelihood;  // else there is no opinion on it, and that of the encoder means nothing
  MeanAndError elbo = {};
  Metrics metrics = {};
  std::vector<std::size_t> active = {};
  Opinion encoder;                      // from draws of q(z | x)
  std::optional<Opinion> refined = {};  // from a proposal fitted to each image
  std::size_t not_fitted = 0;           // images whose fit was not finite: their draws are the encoder's
  std::optional<Annealed> annealed = {};
  std::optional<ClassJudgement> classes = {};       // of models that tell some, and labels
  std::optional<double> feature_error = {};         // of a classifier on E[z_1 | x], where one was asked for
  std::optional<std::size_t> components_used = {};  // of a mixture that uses as many as it needs
  std::optional<Frechet> frechet = {};              // where one was asked for
  std::vector<ImageEstimate> each;                  // of every image, by the encoder's draws
};

/// Why the run's data have no NLL, or nothing. Only x ∈ {0, 1} under a Bernoulli likelihood has a
/// probability; a cross-entropy of grey levels and a density are no log-likelihoods.
std::string why_no_likelihood(const RunConfig& config);

/// "annealing: 10 of 40 images, 12 s left", after so many seconds.
std::string progress_text(const std::string& what, std::size_t done, std::size_t all, double seconds);

/// Evaluates the images. The second and third opinion are formed only where there is a likelihood. Shows how
/// far it is on the standard error stream, where that is a terminal.
Evaluation evaluate(const Run& run, const Batch<float>& images, const EvaluationOptions& options);

/// The share of the first `count` test images that logistic regression on E[z_1 | x] of `known` labelled
/// training images, as many of each class, gets wrong: a model's latents as features (Kingma et al. 2014,
/// "M1"). The seed chooses them, as it does for M2. Throws for a model that has no such features, and without
/// labels.
double feature_error(const Run& run, const ImageData& data, std::size_t known, std::size_t count,
                     std::uint64_t seed);

/// How far E[x | z] of as many draws from the model are from the first `count` test images, in the last
/// hidden layer of a classifier, that of a run of m2; and, as what is to be reached, so many training images.
/// Throws for a classifier of other images, and for a model of what are no images.
Frechet frechet(const Run& run, const Run& classifier, const ImageData& data, std::size_t count,
                std::uint64_t seed);

/// Comma-separated values, a line for each image: image (from 0), label, elbo, nll and kl_1 ... kl_T in nats.
/// A label or NLL that there is not is empty.
std::string per_image_csv(const Evaluation& evaluation, const Run& run, const ImageData& data);

/// Several runs beside each other, a line each: how pixels are binarised, ELBO, every opinion on the NLL that
/// was asked for, KL and active units.
std::string comparison(const std::vector<std::string>& names, const std::vector<Run>& runs,
                       const std::vector<Evaluation>& evaluations);

}  // namespace strata::tools

namespace strata {

template <> struct Named<tools::Proposal> {
  static constexpr const char* what = "proposal";
  static constexpr std::array names = {"encoder", "refined"};
};

}  // namespace strata
