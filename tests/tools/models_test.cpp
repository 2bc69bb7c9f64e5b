// Whatever model the command line chooses is trained, goes on, is evaluated and pictured by the same
// programs.
#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <numeric>

#include "strata/tests/tools/program_folder.hpp"
#include "strata/tests/tools/same_run.hpp"
#include "strata/tools/run/metrics_csv.hpp"
#include "strata/tools/run/view.hpp"

using namespace strata;
using namespace strata::tools;

namespace {

// Three epochs into `out`; two, and after them a third, into `first`.
void train_and_go_on(const ProgramFolder& here, const Arguments& model) {
  const auto train = [&](Arguments more) {
    more.insert(more.end(), model.begin(), model.end());
    return here.train(more);
  };
  const Ran ran = train({"--epochs", "3"});
  INFO(ran.err);
  REQUIRE(ran.status == 0);
  REQUIRE(train({"--epochs", "2", "--out", "first"}).status == 0);
  REQUIRE(here.train({"--resume", "first", "--epochs", "3"}).status == 0);
}

}  // namespace

TEST_CASE("Every model trains, goes on as if it had not stopped, is evaluated and generates") {
  const ProgramFolder here;
  const auto model = GENERATE(
      Arguments{"--latent", "4", "--prior", "mixture", "--components", "5"},
      Arguments{"--latent", "4,3", "--prior", "vamp", "--components", "5", "--ema", "0.9"},
      Arguments{"--latent", "4", "--prior", "vamp", "--components", "7", "--components-from-data", "--scale",
                "clamped", "--activation", "gated"},
      Arguments{"--model", "hvae", "--latent", "4,3", "--activation", "gated", "--scale", "clamped",
                "--prior", "vamp", "--components", "5", "--objective", "dreg", "--samples", "2"},
      Arguments{"--latent", "4,3", "--posterior", "coupling", "--objective", "stl", "--flow-steps", "2"},
      Arguments{"--latent", "4", "--posterior", "iaf", "--flow-hidden", "9", "--objective", "capacity",
                "--capacity", "5", "--gamma", "3", "--warmup-epochs", "2"},
      Arguments{"--model", "infinite", "--latent", "4", "--components", "3", "--memory", "40"},
      Arguments{"--model", "gmvae", "--latent", "4,3", "--components", "5"});
  train_and_go_on(here, model);
  CHECK(difference(here / "out", here / "first") == "");
  CHECK(std::filesystem::exists(here / "out/samples.png"));

  const Arguments opinions = {
      "out",    "--data",     "data",    "--samples",          "2000", "--images", "3",
      "--json", "--proposal", "refined", "--refinement-steps", "300",  "--ais",    "--temperatures",
      "300",    "--chains",   "8"};
  const Ran evaluated = run(STRATA_EVALUATE, opinions, here.path());
  INFO(evaluated.err);
  REQUIRE(evaluated.status == 0);
  const auto report = nlohmann::json::parse(evaluated.out);
  CHECK(report["nll"].get<double>() < -report["elbo"].get<double>() + 0.5);
  // All are bounds from above, and agree where draws from q say that they suffice.
  const double nll = report["nll"], refined = report["refined"]["nll"];
  const double others = std::min(nll, report["ais"]["nll"].get<double>());
  CHECK(refined < others + 1.5);
  if (report["converged"]) CHECK(refined == Approx(others).margin(1.5));
  const bool mixture = model[1] == "infinite";
  CHECK(report["ais"]["simulated"]["images"] == (mixture ? 0 : 3));
  const Ran pictured = here.read(STRATA_GENERATE);
  INFO(pictured.err);
  CHECK(pictured.status == 0);
}

TEST_CASE("M2 trains with few labels, goes on, and is evaluated as a classifier; clusters are, too") {
  const ProgramFolder here;
  const Arguments model = {"--model", "m2", "--latent", "4", "--known-labels", "20", "--label-repeats", "3"};
  train_and_go_on(here, model);
  CHECK(difference(here / "out", here / "first") == "");
  const auto evaluate = [&] {
    const Ran evaluated = run(STRATA_EVALUATE,
                              {"out", "--data", "data", "--samples", "60", "--json", "--images", "20",
                               "--ais", "--temperatures", "20", "--chains", "4"},
                              here.path());
    INFO(evaluated.err);
    REQUIRE(evaluated.status == 0);
    return nlohmann::json::parse(evaluated.out);
  };
  const auto report = evaluate();
  CHECK(report["classification_error"] <= 1);
  const auto table = parse_metrics(content_of(here / "out/metrics.csv"));
  const Ran whole = here.read(STRATA_EVALUATE, {"--samples", "1", "--json"});
  CHECK(table.column("test_classification_error").back() ==
        Approx(nlohmann::json::parse(whole.out)["classification_error"].get<double>()));
  CHECK_THAT(here.read(STRATA_EVALUATE, {"--samples", "60"}).out,
             Catch::Contains(" %, 20 labels known in training"));
  CHECK(!report.contains("cluster_accuracy"));
  CHECK(report["ais"]["simulated"]["images"] == 0);
  CHECK_THAT(report["ais"]["doubt"].get<std::string>(),
             Catch::Contains("the bidirectional check cannot be made"));
  CHECK(report["nll"].get<double>() < -report["elbo"].get<double>() + 0.5);
  CHECK(here.read(STRATA_GENERATE).status == 0);
  REQUIRE(here.train({"--model", "gmvae", "--latent", "4,3", "--components", "5", "--overwrite"}).status ==
          0);
  CHECK(evaluate()["cluster_accuracy"] > 0);
}

TEST_CASE("Quadrants are completed by a conditional model and its baseline, the codes of a run by another") {
  const ProgramFolder here;
  const auto model = GENERATE(Arguments{"--quadrants", "1", "--latent", "4", "--prior-hidden", "9"},
                              Arguments{"--quadrants", "3", "--model", "baseline"},
                              Arguments{"--features", "codes", "--model", "m2", "--known-labels", "20",
                                        "--likelihood", "normal-learned-each", "--binarize", "none"},
                              Arguments{"--features", "codes", "--feature-draws", "2", "--model", "m2",
                                        "--likelihood", "normal-learned-each", "--binarize", "none"});
  REQUIRE(here.train({"--out", "codes", "--latent", "5"}).status == 0);
  train_and_go_on(here, model);
  CHECK(content_of(here / "out/model.safetensors") == content_of(here / "first/model.safetensors"));
  const auto weights = Safetensors::read(here / "out/model.safetensors");
  const std::size_t width = model[1] == "1" ? 588 : model[1] == "3" ? 196 : 5;
  CHECK(weights.shape("decoder.output.bias") == Shape{width});
  CHECK(!std::filesystem::exists(here / "out/samples.png"));
  const Ran evaluated = here.read(STRATA_EVALUATE, {"--samples", "60", "--json"});
  INFO(evaluated.err);
  CHECK(evaluated.status == 0);
  CHECK(here.read(STRATA_GENERATE).status == 2);
}

TEST_CASE("A second stage learns draws of a first's q(z | x); together they make images, and are scored") {
  const ProgramFolder here;
  const Arguments grey = {"--likelihood", "normal-learned", "--binarize", "none"};
  const auto train = [&](Arguments more) {
    more.insert(more.end(), grey.begin(), grey.end());
    const Ran ran = here.train(more);
    INFO(ran.err);
    REQUIRE(ran.status == 0);
  };
  train({"--out", "first", "--latent", "5", "--epochs", "3"});
  train({"--features", "first", "--feature-draws", "2", "--latent", "3", "--warmup-epochs", "2"});
  train({"--out", "classifier", "--model", "m2"});
  const auto weights = Safetensors::read(here / "out/model.safetensors");
  CHECK(weights.shape("decoder.output.bias") == Shape{5});
  CHECK_THAT(content_of(here / "out/model.safetensors"), Catch::Contains("feature_draws\":\"2\""));
  const auto evaluate = [&](const Arguments& more) {
    Arguments all = {"out", "--data", "data", "--samples", "60"};
    all.insert(all.end(), more.begin(), more.end());
    return run(STRATA_EVALUATE, all, here.path());
  };
  const Ran told = evaluate({"--frechet", "classifier"});
  INFO(told.err);
  CHECK_THAT(told.out, Catch::Contains("layer 2: KL") &&
                           Catch::Contains("Fréchet distance of 20 E[x | z] of draws from the model: ") &&
                           Catch::Contains("in the features of the classifier of classifier"));
  const auto report = nlohmann::json::parse(evaluate({"--frechet", "classifier", "--json"}).out);
  CHECK(report["frechet"]["samples"] > 0);
  CHECK(report["frechet"]["training_images"] >= 0);
  CHECK(report["layer_kl"].size() == 2);
  for (const char* program : {STRATA_GENERATE, STRATA_REPORT})
    CHECK(run(program, {"out", "--data", "data"}, here.path()).status == 0);
  CHECK(std::filesystem::exists(here / "out/generated/samples.png"));
  CHECK_THAT(content_of(here / "out/report.html"), Catch::Contains("--feature-draws 2"));
  CHECK_THAT(evaluate({"--frechet", "first"}).err, Catch::Contains("[frechet] needs a run of m2"));
  CHECK_THAT(here.train({"--feature-draws", "2"}).err,
             Catch::Contains("[feature-draws] they need --features"));
  CHECK_THAT(here.train({"--features", "first", "--feature-draws", "1", "--latent", "3,2"}).err,
             Catch::Contains("[feature-draws] they need --features"));
}

TEST_CASE("M2 learns from other draws of q(z_1 | x) for every repeat of an image, and is tested on means") {
  const ProgramFolder here;
  REQUIRE(here.train({"--out", "codes", "--latent", "5"}).status == 0);
  const RunConfig config{.model = ModelKind::m2,
                         .latent = {4},
                         .known_labels = 20,
                         .label_repeats = 3,
                         .features = (here / "codes").string(),
                         .feature_draws = 2};
  ImageData data = load_data(here / "data");
  const Dataset images = data.test;
  data.train = training_data(config, data.train);
  view(data, config);

  const auto& train = std::get<Tensor<float>>(data.train.examples);
  REQUIRE(train.shape() == Shape{2 * (60 + 2 * 20), 5});
  const auto row = [&](std::size_t i) { return xt::view(train, i, xt::all()); };
  for (std::size_t i = 60; i < 80; ++i)  // an image of known label, its third copy, and both of them again
    for (const std::size_t again : {i + 20, i + 100, i + 120}) {
      CHECK((*data.train.labels)(i) == (*data.train.labels)(again));
      CHECK(xt::any(xt::not_equal(row(i), row(again))));
    }
  std::vector<std::size_t> rows(images.size());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  const auto means = features(load_run(config.features), images, rows);
  CHECK((std::get<Tensor<float>>(data.test.examples) == means));
}

TEST_CASE("The latents of a run are features for a classifier, of models that give them of an image alone") {
  const ProgramFolder here;
  const auto evaluate = [&](const Arguments& more) {
    Arguments all = {"out", "--data", "data", "--samples", "10"};
    all.insert(all.end(), more.begin(), more.end());
    return run(STRATA_EVALUATE, all, here.path());
  };
  REQUIRE(here.train({"--latent", "4,2"}).status == 0);
  const Ran told = evaluate({"--known-labels", "20"});
  CHECK_THAT(told.out, Catch::Contains("classification error by logistic regression on E[z_1 | x]: ") &&
                           Catch::Contains(" %, 20 labels known"));
  const auto report = nlohmann::json::parse(evaluate({"--known-labels", "20", "--json"}).out);
  CHECK(report["feature_error"]["known_labels"] == 20);
  CHECK(report["feature_error"]["error"] <= 1);
  CHECK(!nlohmann::json::parse(evaluate({"--json"}).out).contains("feature_error"));
  const auto refused = [&](const Arguments& model, const std::string& message) {
    Arguments all = {"--overwrite"};
    all.insert(all.end(), model.begin(), model.end());
    REQUIRE(here.train(all).status == 0);
    const Ran ran = evaluate({"--known-labels", "20"});
    CHECK(ran.status == 2);
    CHECK_THAT(ran.err, Catch::Contains(message));
  };
  CHECK_THAT(evaluate({"--known-labels", "61"}).err, Catch::Contains("[with_few_labels]"));
  refused({"--model", "m2"}, "[known-labels] m2 tells classes itself");
  refused({"--conditional"}, "[features] a model that reads labels or quadrants");
  refused({"--quadrants", "1", "--model", "baseline"}, "[features] a model that reads labels or quadrants");
  REQUIRE(here.train({"--conditional", "--overwrite"}).status == 0);
  CHECK_THAT(here.train({"--out", "second", "--features", "out"}).err,
             Catch::Contains("[features] a model that"));
}

TEST_CASE("Choices that do not go together are refused by name") {
  const ProgramFolder here;
  const auto refused = [&](const Arguments& arguments, const std::string& message) {
    const Ran ran = here.train(arguments);
    INFO(ran.err);
    CHECK(ran.status == 2);
    CHECK_THAT(ran.err, Catch::Contains(message));
  };
  refused({"--model", "hvae"}, "[model] hvae has two --latent widths");
  refused({"--model", "m2", "--latent", "3,2"}, "[model] m2 has one --latent width");
  refused({"--model", "hvae", "--latent", "3,2", "--conditional"}, "[model] hvae has neither");
  refused({"--model", "gmvae", "--latent", "3,2", "--prior", "vamp"}, "[prior] gmvae has one of its own");
  refused({"--model", "infinite", "--latent", "3,2"}, "[model] infinite has one --latent width");
  refused({"--model", "infinite", "--concentration", "0"}, "[concentration] it is 0");
  refused({"--model", "infinite", "--memory", "0"}, "[memory] it is 0");
  refused({"--known-labels", "10"}, "[known-labels] they belong to --model m2");
  refused({"--prior", "vamp", "--posterior", "iaf"}, "[prior] vamp needs a posterior");
  refused({"--flow-steps", "1001"}, "[flow-steps]");
  refused({"--quadrants", "4"}, "[quadrants] of the four, 1 to 3");
  refused({"--model", "baseline"}, "[model] baseline tells from --quadrants");
  refused({"--features", "nowhere"}, "nowhere");
  refused({"--prior", "vamp", "--conditional"}, "[prior] a conditional model has a prior of its own");
  refused({"--prior", "vamp", "--full-top-covariance"}, "[prior] vamp needs a posterior of independent");
  refused({"--prior", "vamp", "--batch-norm"}, "[prior] vamp encodes pseudo-inputs");
  refused({"--components", "0"}, "[components] it is 0");
  refused({"--components-from-data"}, "[components-from-data] only pseudo-inputs");
  refused({"--prior", "vamp", "--latent", "3,2", "--components-from-data"}, "[components-from-data]");
}
