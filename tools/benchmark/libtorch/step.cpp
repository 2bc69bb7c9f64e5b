// The same as tools/benchmark/pytorch_step.py on LibTorch's C++ front end, at its best: pixels are drawn by
// rand < p; Adam is the front end's own, which has no foreach. tools/benchmark/compare_pytorch builds and
// runs it.
//
//     step MODEL THREADS [STEPS]     seed, T2, iwae or estimation; as many steps as fit in 2.5 s if none are
//     given
//
// Prints one line of JSON, as pytorch_step.py does.
#include <dlfcn.h>
#include <torch/torch.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <iostream>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace {

using torch::Tensor;
using Widths = std::vector<std::int64_t>;

constexpr std::int64_t pixels = 784, draws = 5000;
constexpr double seconds = 2.5;

struct Config {
  Widths hidden;  // of q(z_1 | x), and reversed of p(x | z_1)
  Widths latent;  // the widths of z_1 ... z_T
  bool softplus;  // or tanh
  std::int64_t batch;
  std::int64_t samples = 1;  // of each image; more than 1: the IWAE bound, instead of the ELBO
};

const Widths upper_hidden = {100, 100};  // of q(z_t | z_{t-1}), and of p(z_{t-1} | z_t)
const std::map<std::string, Config> configs = {
    {"seed", {{500, 300, 150}, {2}, true, 128}},
    {"T2", {{200, 200}, {100, 50}, false, 100}},
    {"iwae", {{200, 200}, {50}, false, 20, 50}},
};

torch::nn::Sequential mlp(bool softplus, std::int64_t in, const Widths& widths) {
  torch::nn::Sequential layers;
  for (const std::int64_t out : widths) {
    layers->push_back(torch::nn::Linear(in, out));
    if (softplus)
      layers->push_back(torch::nn::Softplus());
    else
      layers->push_back(torch::nn::Tanh());
    in = out;
  }
  return layers;
}

struct Normal {
  Tensor mean, log_variance;

  Normal view(at::IntArrayRef shape) const { return {mean.view(shape), log_variance.view(shape)}; }
};

// A network that gives a normal's mean and log variance.
struct NormalHeadImpl : torch::nn::Module {
  torch::nn::Sequential body;
  torch::nn::Linear mean, log_variance;

  NormalHeadImpl(bool softplus, std::int64_t in, const Widths& hidden, std::int64_t out)
      : body(register_module("body", mlp(softplus, in, hidden))),
        mean(register_module("mean", torch::nn::Linear(hidden.back(), out))),
        log_variance(register_module("log_variance", torch::nn::Linear(hidden.back(), out))) {}

  Normal forward(const Tensor& x) {
    const Tensor h = body->forward(x);
    return {mean(h), log_variance(h)};
  }
};
TORCH_MODULE(NormalHead);

struct Vae : torch::nn::Module {
  std::int64_t samples;
  std::vector<NormalHead> q, p;
  torch::nn::Sequential decoder;

  explicit Vae(const Config& c) : samples(c.samples) {
    const std::size_t layers = c.latent.size();
    const Widths backwards(c.hidden.rbegin(), c.hidden.rend());
    for (std::size_t t = 0; t < layers; ++t)
      q.push_back(register_module("q" + std::to_string(t),
                                  NormalHead(c.softplus, t == 0 ? pixels : c.latent[t - 1],
                                             t == 0 ? c.hidden : upper_hidden, c.latent[t])));
    for (std::size_t t = 0; t + 1 < layers; ++t)
      p.push_back(register_module("p" + std::to_string(t),
                                  NormalHead(c.softplus, c.latent[t + 1], upper_hidden, c.latent[t])));
    decoder = mlp(c.softplus, c.latent[0], backwards);
    decoder->push_back(torch::nn::Linear(backwards.back(), pixels));
    register_module("decoder", decoder);
  }

  // The negative ELBO of one sample of z an image, or the negative IWAE bound of more: a mean over the batch.
  Tensor loss(const Tensor& x) {
    struct Layer {  // (images, samples, width), q(z_1 | x) one for all samples; constants cancel
      Normal q;
      Tensor noise, z;
    };
    const std::int64_t batch = x.size(0);
    std::vector<Layer> layers;
    Tensor below = x;
    for (NormalHead& head : q) {
      const Normal flat = head(below), normal = flat.view({batch, -1, flat.mean.size(1)});
      const Tensor noise = torch::randn({batch, samples, flat.mean.size(1)});
      layers.push_back({normal, noise, normal.mean + torch::exp(0.5 * normal.log_variance) * noise});
      below = layers.back().z.flatten(0, 1);
    }
    Tensor divergence = torch::zeros({1});
    for (std::size_t t = 0; t + 1 < layers.size(); ++t) {
      const auto& [normal, noise, z] = layers[t];
      const Normal above = p[t](layers[t + 1].z.flatten(0, 1)).view(z.sizes());
      const Tensor deviation = (z - above.mean).square() * torch::exp(-above.log_variance);
      divergence =
          divergence + 0.5 * (deviation + above.log_variance - noise.square() - normal.log_variance).sum(-1);
    }
    const auto& [top, noise, z] = layers.back();
    if (samples == 1)  // the top layer's KL in closed form
      divergence =
          divergence + 0.5 * (top.mean.square() + top.log_variance.exp() - top.log_variance - 1).sum(-1);
    else
      divergence = divergence + 0.5 * ((z.square() - noise.square()).sum(-1) - top.log_variance.sum(-1));
    const Tensor logits = decoder->forward(layers[0].z.flatten(0, 1)).view({batch, samples, pixels});
    const Tensor log_likelihood =
        (x.unsqueeze(1) * logits).sum(-1) - torch::nn::functional::softplus(logits).sum(-1);
    return std::log(samples) - torch::logsumexp(log_likelihood - divergence, 1).mean();
  }
};

// One step: gather and binarise a batch, forward, backward, update, read the loss.
std::function<void()> training(const Config& config, const std::shared_ptr<Vae>& model) {
  const Tensor images = torch::rand({config.batch, pixels}).square();  // as many as a batch holds
  auto adam = std::make_shared<torch::optim::Adam>(model->parameters(), torch::optim::AdamOptions(1e-3));
  return [=] {
    const Tensor p = images.index_select(0, torch::randperm(images.size(0)));
    const Tensor x = (torch::rand_like(p) < p).to(torch::kFloat);
    for (Tensor& parameter : model->parameters()) parameter.mutable_grad().reset();  // not to add to zeros
    const Tensor loss = model->loss(x);
    loss.backward();
    adam->step();
    loss.item<float>();
  };
}

// One image's ln p(x) by importance sampling, so many draws at once.
std::function<void(std::int64_t)> estimation(const std::shared_ptr<Vae>& model) {
  const Tensor x = torch::rand({pixels}).round();
  return [=](std::int64_t chunk) {
    const torch::InferenceMode inference;
    const auto [mean, log_variance] = model->q[0](x);
    const Tensor deviation = torch::exp(0.5 * log_variance);
    std::vector<Tensor> log_weights;  // but for a constant
    for (std::int64_t done = 0; done < draws; done += chunk) {
      const Tensor noise = torch::randn({chunk, mean.size(0)}), z = mean + deviation * noise;
      const Tensor logits = model->decoder->forward(z);
      const Tensor log_likelihood = torch::mv(logits, x) - torch::nn::functional::softplus(logits).sum(-1);
      log_weights.push_back(log_likelihood + 0.5 * (noise.square() - z.square()).sum(-1));
    }
    (torch::logsumexp(torch::cat(log_weights), 0) + 0.5 * log_variance.sum() - std::log(draws)).item<float>();
  };
}

double milliseconds(const std::function<void()>& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

std::int64_t fastest_chunk(const std::function<void(std::int64_t)>& estimate) {
  double least = std::numeric_limits<double>::infinity();
  std::int64_t best = draws;
  for (const std::int64_t chunk : {100, 250, 500, 1000, 5000})
    for (int i = 0; i < 3; ++i)
      if (const double ms = milliseconds([&] { estimate(chunk); }); ms < least) least = ms, best = chunk;
  return best;
}

// Of each step, after a warm-up: `steps` of them, or, if that is 0, as many as fit in `seconds`.
std::vector<double> measure(const std::function<void()>& step, std::size_t steps) {
  double spent = 0;
  for (int i = 0; i < 3 || (steps == 0 && spent < 1e3 * seconds / 5); ++i) spent += milliseconds(step);
  std::vector<double> times;
  for (spent = 0; steps > 0 ? times.size() < steps : spent < 1e3 * seconds; spent += times.back())
    times.push_back(milliseconds(step));
  return times;
}

// The average of the two in the middle, as Python's.
double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

// A function of the OpenBLAS in this process; null if it is another BLAS.
template <class F> F* openblas(const char* name) { return reinterpret_cast<F*>(dlsym(RTLD_DEFAULT, name)); }

std::string blas_json(int threads) {
  auto* const kernel = openblas<char*()>("openblas_get_corename");
  auto* const parallel = openblas<int()>("openblas_get_parallel");
  if (kernel == nullptr || parallel == nullptr)
    return R"({"build": "no OpenBLAS", "kernel": "", "threads": 0})";
  const std::string build = std::vector<std::string>{"serial", "pthread", "OpenMP"}.at(parallel());
  // The OpenMP build works with OpenMP's number of threads, which is LibTorch's, and may not say so.
  auto* const own_threads = openblas<int()>("openblas_get_num_threads");
  return R"({"build": "OpenBLAS )" + build + R"(", "kernel": ")" + kernel() + R"(", "threads": )" +
         std::to_string(build == "OpenMP" ? threads : own_threads()) + "}";
}

// The vector code that ATen chose.
std::string vectors() {
  const std::string name = "CPU capability usage: ", config = at::show_config();
  const std::size_t begin = config.find(name) + name.size();
  return config.substr(begin, config.find('\n', begin) - begin);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string name = argc < 3 ? "" : argv[1];
  if (name != "estimation" && configs.count(name) == 0) {
    std::cerr << "usage: step seed|T2|iwae|estimation THREADS [STEPS]\n";
    return 2;
  }
  at::set_num_threads(std::stoi(argv[2]));
  torch::manual_seed(1);
  const Config& config = configs.at(name == "estimation" ? "seed" : name);
  const auto model = std::make_shared<Vae>(config);
  std::function<void()> step;
  std::int64_t parameters = 0;
  for (const Tensor& parameter : model->parameters()) parameters += parameter.numel();
  std::cout << "{";
  if (name == "estimation") {
    const auto estimate = estimation(model);
    const std::int64_t chunk = fastest_chunk(estimate);
    std::cout << R"("chunk": )" << chunk << ", ";
    step = [=] { estimate(chunk); };
  } else {
    step = training(config, model);
  }
  const auto times = measure(step, argc > 3 ? std::stoul(argv[3]) : 0);
  std::cout << R"("step_ms": )" << median(times) << R"(, "steps": )" << times.size() << R"(, "parameters": )"
            << parameters << R"(, "torch": ")" << TORCH_VERSION << R"(", "vectors": ")" << vectors()
            << R"(", "threads": )" << at::get_num_threads() << R"(, "blas": )"
            << blas_json(at::get_num_threads()) << "}\n";
  return 0;
}
