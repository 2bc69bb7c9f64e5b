// The program evaluate, and what all programs that read a run refuse.
#include <catch2/catch.hpp>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "strata/tensor/io/safetensors.hpp"
#include "strata/tests/tools/program_folder.hpp"

using namespace strata;
using namespace strata::tools;
using Catch::Matchers::Contains;

namespace {

Ran evaluate(const ProgramFolder& here, Arguments arguments = {}) {
  if (std::find(arguments.begin(), arguments.end(), "--samples") == arguments.end())
    arguments.insert(arguments.end(), {"--samples", "50"});
  return here.read(STRATA_EVALUATE, arguments);
}

const Arguments hierarchy = {"--latent", "6,3", "--upper-hidden", "5"};

}  // namespace

TEST_CASE("evaluate prints the likelihood of a run, the same for the same seed, bounded by its ELBO") {
  const ProgramFolder here;
  REQUIRE(here.train(hierarchy).status == 0);
  const Ran text = evaluate(here);
  INFO(text.err);
  REQUIRE(text.status == 0);
  CHECK_THAT(text.out, Contains("20, binarize dynamic") && Contains("ELBO") && Contains("NLL, 50 samples") &&
                           Contains("IWAE bound, k = 50") && Contains("layer 2: KL") &&
                           Contains("of 3 units active"));

  const auto report = nlohmann::json::parse(evaluate(here, {"--json"}).out);
  CHECK(report["images"] == 20);
  CHECK(report["nll"].get<double>() <= -report["elbo"].get<double>());
  CHECK(report["nll"].get<double>() == -report["iwae_bound"].get<double>());
  CHECK(report["nll_standard_error"].get<double>() > 0);
  CHECK(report["layer_kl"].size() == 2);
  CHECK(report["active_units"].size() == 2);
  CHECK(report["effective_samples"]["median"].get<double>() >= report["effective_samples"]["smallest"]);
  CHECK(report["effective_samples"]["images_below_10"] <= 20);
  CHECK(report["nll_after"] == nlohmann::json{{"50", report["nll"]}});
  CHECK(report["extrapolated_bias"].is_null());
  CHECK(nlohmann::json::parse(evaluate(here, {"--json"}).out) == report);
  CHECK(nlohmann::json::parse(evaluate(here, {"--json", "--seed", "1"}).out)["nll"] != report["nll"]);
  CHECK(nlohmann::json::parse(evaluate(here, {"--json", "--images", "7"}).out)["images"] == 7);
}

TEST_CASE("With --ema a run's model is the average of its weights, and its checkpoint holds both") {
  const ProgramFolder here;
  REQUIRE(here.train({"--ema", "0.9"}).status == 0);
  const auto checkpoint = strata::Safetensors::read(here / "out/checkpoint.safetensors");
  const auto trained = checkpoint.get<float>("trainer.step.model.decoder.output.bias"),
             average = checkpoint.get<float>("ema.average.decoder.output.bias");
  CHECK((trained != average));
  CHECK((strata::Safetensors::read(here / "out/model.safetensors").get<float>("decoder.output.bias") ==
         average));
}

TEST_CASE("evaluate says how far an NLL can be believed") {
  const ProgramFolder here;
  REQUIRE(here.train({"--hidden", "30", "--latent", "10"}).status == 0);
  const Ran text = evaluate(here, {"--samples", "200"});
  CHECK_THAT(text.out, Contains("effective sample size: median") && Contains("of 20 images") &&
                           Contains("NLL with 100 draws: ") && Contains(", 200 draws: ") &&
                           Contains("extrapolated bias"));
  const auto report = nlohmann::json::parse(evaluate(here, {"--samples", "200", "--json"}).out);
  CHECK(report["nll_after"]["100"].is_number());
  CHECK(report["nll_after"]["200"].get<double>() == Approx(report["nll"].get<double>()));
  CHECK(report["extrapolated_bias"].get<double>() >= 0);
  CHECK(report["converged"].get<bool>() == report["doubt"].is_null());
  CHECK((text.out.find("NOT CONVERGED") == std::string::npos) == report["converged"].get<bool>());

  // One image has no standard error.
  const Ran one = evaluate(here, {"--images", "1"});
  CHECK_THAT(one.out,
             Contains("(of one image: no standard error)") && !Contains("± 0.000") && !Contains("nan"));
  CHECK_THAT(evaluate(here, {"--images", "1", "--ais", "--chains", "1", "--temperatures", "5"}).out,
             Contains("not known of one chain") && !Contains("± 0.000") && !Contains("nan"));
  const auto single = nlohmann::json::parse(evaluate(here, {"--images", "1", "--json"}).out);
  CHECK(single["nll_standard_error"].is_null());
  CHECK(single["elbo_standard_error"].is_null());
  CHECK(single["nll"].is_number());
}

TEST_CASE("evaluate asks for a second and a third opinion, of conditional models too") {
  const ProgramFolder here;
  for (const Arguments& more : {Arguments{}, Arguments{"--conditional"}}) {
    Arguments arguments = hierarchy;
    arguments.insert(arguments.end(), more.begin(), more.end());
    arguments.push_back("--overwrite");
    REQUIRE(here.train(arguments).status == 0);
    const Arguments all = {
        "--images",       "3",  "--proposal", "refined", "--ais", "--refinement-steps", "50",
        "--temperatures", "40", "--chains",   "4"};
    const Ran text = evaluate(here, all);
    INFO(text.err);
    REQUIRE(text.status == 0);
    CHECK_THAT(text.out, Contains("NLL, refined, 50 samples") && Contains("NLL, annealed in 40 steps") &&
                             Contains("bidirectional check on 3 images drawn from the model"));
    Arguments json = all;
    json.push_back("--json");
    const auto report = nlohmann::json::parse(evaluate(here, json).out);
    CHECK(report["refined"]["nll"].get<double>() == Approx(report["nll"].get<double>()).margin(1));
    CHECK(report["refined"]["images_not_fitted"] == 0);
    CHECK(report["ais"]["nll"].get<double>() == Approx(report["refined"]["nll"].get<double>()).margin(1));
    CHECK(report["ais"]["simulated"]["images"] == 3);
    CHECK(report["ais"]["effective_chains"]["mean"] <= 4);
    CHECK(nlohmann::json::parse(evaluate(here, json).out) == report);
  }
  const Ran wrong = evaluate(here, {"--proposal", "prior"});
  CHECK(wrong.status == 2);
  CHECK_THAT(wrong.err, Contains("'prior' is unknown; there are encoder, refined"));
}

TEST_CASE("evaluate gives no NLL of grey pixels or densities, and says so") {
  const ProgramFolder here;
  REQUIRE(here.train({"--binarize", "none"}).status == 0);
  const Ran text = evaluate(here);
  REQUIRE(text.status == 0);
  CHECK_THAT(text.out, Contains("no NLL: grey pixels have no probability") && !Contains("samples  "));
  CHECK(nlohmann::json::parse(evaluate(here, {"--json"}).out)["nll"].is_null());
  REQUIRE(here.train({"--likelihood", "normal", "--overwrite"}).status == 0);
  CHECK_THAT(evaluate(here).out,
             Contains("no NLL: this model gives pixels a density") && !Contains("samples  "));
  CHECK(nlohmann::json::parse(evaluate(here, {"--json"}).out)["nll"].is_null());
}

TEST_CASE("evaluate leaves its result in the run's folder, and works where it may not") {
  const ProgramFolder here;
  REQUIRE(here.train().status == 0);
  const Ran json = evaluate(here, {"--json"});
  CHECK(content_of(here / "out/evaluation.json") == json.out);
  REQUIRE(evaluate(here, {"--images", "7"}).status == 0);  // as text
  CHECK(nlohmann::json::parse(content_of(here / "out/evaluation.json"))["images"] == 7);
  std::filesystem::remove(here / "out/evaluation.json");
  std::filesystem::create_directory(here / "out/evaluation.json");  // in which no file can be put
  const Ran kept_out = evaluate(here, {"--json"});
  CHECK(kept_out.status == 0);
  CHECK(kept_out.out == json.out);
  CHECK(lines_of(kept_out.err).size() == 1);
  CHECK_THAT(kept_out.err, Contains("not kept"));
}

TEST_CASE("Programs refuse folders without a run, and wrong numbers, in one line") {
  const ProgramFolder here;
  const auto refused = [](const Ran& ran, const std::string& word) {
    INFO(ran.err);
    CHECK(ran.status == 2);
    CHECK(ran.out.empty());
    CHECK(lines_of(ran.err).size() == 1);
    CHECK_THAT(ran.err, Contains(word));
  };
  refused(evaluate(here), "model.safetensors");
  refused(here.read(STRATA_GENERATE), "model.safetensors");
  refused(run(STRATA_EVALUATE, {}, here / ""), "run is required");
  REQUIRE(here.train(hierarchy).status == 0);
  refused(evaluate(here, {"--images", "21"}), "21 are asked for; there are 20 test images");
  refused(evaluate(here, {"--samples", "0"}), "it is 0, but must be at least 1");
  refused(evaluate(here, {"--samples", "-3"}), "-3");
  refused(here.read(STRATA_GENERATE, {"--seed", "x"}), "'x' is no whole number");
  refused(here.read(STRATA_GENERATE, {"--seed", "1", "--seed", "2"}), "is given 2 times");
  refused(here.read(STRATA_GENERATE, {"--out", ""}), "it is empty");
  refused(evaluate(here, {"--data", "data"}), "is given 2 times");
}

TEST_CASE("Programs refuse a model file that attacks them, in one line that commands no terminal") {
  const ProgramFolder here;
  REQUIRE(here.train().status == 0);
  const auto file = here / "out/model.safetensors";
  const Safetensors good = Safetensors::read(file);
  const auto refused = [&](const Safetensors& bad, const std::string& fact) {
    bad.write(file);
    for (const Ran& ran : {evaluate(here), here.read(STRATA_GENERATE)}) {
      INFO(fact << ": " << ran.err);
      CHECK(ran.status == 2);
      CHECK(ran.out.empty());
      CHECK(lines_of(ran.err).size() == 1);
      CHECK(ran.err.size() < 1200);
      CHECK_THAT(ran.err, Contains(fact) && Contains("out/model.safetensors"));
      CHECK(ran.err.find_first_of("\x1b\x07") == std::string::npos);
    }
  };
  const auto with = [&](const std::string& key, const std::string& value) {
    Safetensors bad = good;
    bad.metadata[key] = value;
    return bad;
  };
  const std::vector<std::array<std::string, 2>> no_values = {
      {"hidden", "0x32"}, {"hidden", "-1"},         {"hidden", " 16"},      {"hidden", "16,"},
      {"seed", "-1"},     {"epochs", "-5"},         {"conditional", "yes"}, {"conditional", "2"},
      {"beta", "inf"},    {"noise_variance", "nan"}};
  for (const auto& [key, value] : no_values)
    refused(with(key, value), "[" + key + "] '" + value + "' is no ");
  refused(with("activation", "\x1b[31mRED\x07"), "'\\x1b[31mRED\\x07' is unknown");
  std::string ones = "1", twos = "2";
  for (int i = 0; i < 9'999; ++i) ones += ",1", twos += ",2";
  for (const std::string& widths : {std::string("30000,30000"), std::string("1000000,1000000"), ones})
    refused(with("hidden", widths), "describe a larger model than it holds");
  refused(with("latent", twos), "describe a larger model than it holds");

  Safetensors bad = good;
  bad.set("\xc2\x9b[31mRED", Tensor<float>{1.f});
  refused(bad, "'\\u009b[31mRED' in the file is none of the model's");
  bad = good;
  auto bias = bad.get<float>("decoder.output.bias");
  bias(3) = std::numeric_limits<float>::quiet_NaN();
  bad.set("decoder.output.bias", bias);
  refused(bad, "tensor \"decoder.output.bias\" holds NaN or infinity");
  good.write(file);
  CHECK(evaluate(here).status == 0);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // which need more than any such limit
TEST_CASE("Programs say where a limit on memory leaves OpenBLAS no room") {
  const ProgramFolder here;
  REQUIRE(here.train().status == 0);
  const auto limited = [&](const std::string& kib, const Arguments& arguments) {
    Arguments all = {"-c", "ulimit -v " + kib + "; OMP_NUM_THREADS=1 exec \"$0\" \"$@\"", STRATA_EVALUATE};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return run("/bin/sh", all, here / "");
  };
  const Ran start = limited("150000", {"--help"});
  CHECK(start.status == 2);
  CHECK_THAT(start.err, Contains("OpenBLAS needs 128 MiB a thread to start") && Contains("ulimit -v"));
  const Ran product = limited("250000", {"out", "--data", "data", "--threads", "1"});
  CHECK(product.status == 2);
  CHECK_THAT(product.err, Contains("OpenBLAS needs 128 MiB more") && Contains("ulimit -v"));
}
#endif

TEST_CASE("Programs work on other data than the run's only where --data names them") {
  const ProgramFolder here;
  REQUIRE(here.train().status == 0);
  std::filesystem::create_directories(here / "data/mnist");
  write_images(here / "data/mnist", "train", 5);
  write_images(here / "data/mnist", "t10k", 20);
  for (const char* program : {STRATA_EVALUATE, STRATA_GENERATE}) {
    const Ran other = run("/usr/bin/env", {"-u", "STRATA_MNIST_DIR", program, "out"}, here / "");
    INFO(other.err);
    CHECK(other.status == 2);
    CHECK_THAT(other.err,
               Contains("trained on data") && Contains("mnist (data/mnist)") && Contains("--data"));
    CHECK(run(program, {"out", "--data", "data/mnist"}, here / "").status == 0);
  }
}
