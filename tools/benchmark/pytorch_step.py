"""Times in PyTorch what `benchmark` times in strata; tools/benchmark/compare_pytorch runs it.

seed, T2 and iwae are the training steps step/seed_model, step/hierarchy_T2 and step/iwae_k50; estimation is
estimation/seed_model, a step of which is one image's 5,000 draws. tools/benchmark/libtorch/step.cpp is the same in C++.

Prints one line of JSON: the median step, and what was really loaded: PyTorch, its vector code, BLAS and threads.
"""
import argparse
import ctypes
import json
import math
import os
import re
import statistics
import time
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

PIXELS, DRAWS = 784, 5000
CHUNKS = (100, 250, 500, 1000, 5000)  # of draws at once in estimation, which takes the fastest


@dataclass
class Config:
    hidden: tuple  # of q(z_1 | x), and reversed of p(x | z_1)
    latent: tuple  # the widths of z_1 ... z_T
    activation: type
    batch: int
    samples: int = 1  # of each image; more than 1: the IWAE bound, instead of the ELBO


UPPER_HIDDEN = (100, 100)  # of q(z_t | z_{t-1}), and of p(z_{t-1} | z_t)
CONFIGS = {
    "seed": Config((500, 300, 150), (2,), nn.Softplus, 128),
    "T2": Config((200, 200), (100, 50), nn.Tanh, 100),
    "iwae": Config((200, 200), (50,), nn.Tanh, 20, samples=50),
}


def mlp(activation, *widths):
    pairs = zip(widths, widths[1:])
    return nn.Sequential(*(module for i, o in pairs for module in (nn.Linear(i, o), activation())))


class NormalHead(nn.Module):
    """A network that gives a normal's mean and log variance."""

    def __init__(self, activation, *widths):
        super().__init__()
        self.body = mlp(activation, *widths[:-1])
        self.mean = nn.Linear(*widths[-2:])
        self.log_variance = nn.Linear(*widths[-2:])

    def forward(self, x):
        h = self.body(x)
        return self.mean(h), self.log_variance(h)


def log_bernoulli(x, logits):
    """Twice as fast as -binary_cross_entropy_with_logits where the sums are those of rows (PyTorch 1.13)."""
    return (x * logits).sum(-1) - F.softplus(logits).sum(-1)


class Vae(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.samples = config.samples
        f, below, latent = config.activation, (PIXELS, *config.latent), config.latent
        self.q = nn.ModuleList(NormalHead(f, i, *(UPPER_HIDDEN if t else config.hidden), o)
                               for t, (i, o) in enumerate(zip(below, latent)))
        self.p = nn.ModuleList(NormalHead(f, i, *UPPER_HIDDEN, o) for i, o in zip(latent[1:], latent))
        backwards = config.hidden[::-1]
        self.decoder = nn.Sequential(mlp(f, latent[0], *backwards), nn.Linear(backwards[-1], PIXELS))

    def loss(self, x):
        """The negative ELBO of one sample of z an image, or the negative IWAE bound of more: a mean over the batch."""
        # Each layer's normals are (images, samples, width), q(z_1 | x) one for all samples; constants cancel.
        layers, below = [], x
        for q in self.q:
            mean, log_variance = (y.view(len(x), -1, y.shape[-1]) for y in q(below))
            noise = torch.randn(len(x), self.samples, mean.shape[-1])
            z = mean + torch.exp(0.5 * log_variance) * noise
            layers.append((mean, log_variance, noise, z))
            below = z.flatten(0, 1)
        divergence = 0
        for p, (_, log_variance, noise, z), (_, _, _, above) in zip(self.p, layers, layers[1:]):
            mean_p, log_variance_p = (y.view_as(z) for y in p(above.flatten(0, 1)))
            deviation = (z - mean_p).square() * torch.exp(-log_variance_p)
            divergence = divergence + 0.5 * (deviation + log_variance_p - noise.square() - log_variance).sum(-1)
        mean, log_variance, noise, z = layers[-1]
        if self.samples == 1:  # the top layer's KL in closed form
            divergence = divergence + 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).sum(-1)
        else:
            divergence = divergence + 0.5 * ((z.square() - noise.square()).sum(-1) - log_variance.sum(-1))
        logits = self.decoder(layers[0][-1].flatten(0, 1)).view(len(x), self.samples, PIXELS)
        log_weights = log_bernoulli(x[:, None], logits) - divergence
        return math.log(self.samples) - log_weights.logsumexp(1).mean()


BINARIZE = {
    "bernoulli": torch.bernoulli,
    # The same distribution, but drawn by vector code: 1.13's bernoulli without MKL draws pixel by pixel.
    "compare": lambda p: (torch.rand_like(p) < p).float(),
}


def training(config, foreach, binarize):
    """A function that makes one step: gather and binarise a batch, forward, backward, update, read the loss."""
    model = Vae(config)
    images = torch.rand(config.batch, PIXELS).square()  # as many as a batch holds, like benchmark's
    # foreach=None is PyTorch's default setting.
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, foreach=foreach or None)

    def step():
        x = binarize(images[torch.randperm(len(images))])
        optimizer.zero_grad(set_to_none=True)
        loss = model.loss(x)
        loss.backward()
        optimizer.step()
        return loss.item()

    return model, step


def estimation():
    """A function that estimates one image's ln p(x) by importance sampling, so many draws at once."""
    model = Vae(CONFIGS["seed"])
    x = torch.rand(PIXELS).round()

    @torch.inference_mode()
    def estimate(chunk):
        mean, log_variance = model.q[0](x)
        deviation = torch.exp(0.5 * log_variance)
        log_weights = []  # but for a constant
        for _ in range(DRAWS // chunk):
            noise = torch.randn(chunk, len(mean))
            z = mean + deviation * noise
            logits = model.decoder(z)
            log_likelihood = logits @ x - F.softplus(logits).sum(-1)
            log_weights.append(log_likelihood + 0.5 * (noise.square() - z.square()).sum(-1))
        return (torch.cat(log_weights).logsumexp(0) + 0.5 * log_variance.sum() - math.log(DRAWS)).item()

    return model, estimate


def fastest_chunk(estimate):
    return min(CHUNKS, key=lambda chunk: min(timed(lambda: estimate(chunk)) for _ in range(3)))


def timed(f):
    """Milliseconds that f takes."""
    before = time.perf_counter()
    f()
    return 1e3 * (time.perf_counter() - before)


def measure(step, seconds, steps):
    """Milliseconds of each step, after a warm-up: `steps` of them, or as many as fit in `seconds`."""
    start = time.perf_counter()
    for _ in range(3):
        step()
    while steps is None and time.perf_counter() - start < seconds / 5:
        step()
    times = []
    start = time.perf_counter()
    while len(times) < steps if steps else time.perf_counter() - start < seconds:
        times.append(timed(step))
    return times


def loaded_blas():
    """The BLAS in this process, from its memory map, and OpenBLAS's own word on build, kernel and threads."""
    with open("/proc/self/maps") as maps:
        files = {os.path.realpath(line.split()[-1]) for line in maps if ".so" in line}
    blas = sorted(f for f in files if re.match(r"lib(c?blas|openblas|atlas|blis|mkl)", os.path.basename(f)))
    if len({os.path.dirname(f) for f in blas}) != 1:
        names = ", ".join(os.path.basename(f) for f in blas)
        return {"build": f"several ({names})" if blas else "none found", "kernel": "", "threads": 0}
    openblas = [f for f in blas if os.path.basename(f).startswith("libopenblas")]
    if not openblas:
        is_reference = os.path.basename(os.path.dirname(blas[0])) == "blas"
        return {"build": "reference BLAS" if is_reference else os.path.basename(blas[0]), "kernel": "", "threads": 1}
    library = ctypes.CDLL(openblas[0])
    library.openblas_get_corename.restype = ctypes.c_char_p
    build, threads = library.openblas_get_parallel(), library.openblas_get_num_threads()
    return {
        "build": "OpenBLAS " + ("serial", "pthread", "OpenMP")[build],
        "kernel": library.openblas_get_corename().decode(),
        # The OpenMP build works with OpenMP's number of threads, which is PyTorch's, and may not say so.
        "threads": torch.get_num_threads() if build == 2 else threads,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=[*CONFIGS, "estimation"], default="seed")
    parser.add_argument("--threads", type=int, help="PyTorch's threads (default: its own choice)")
    parser.add_argument("--foreach", action="store_true", help="foreach Adam")
    parser.add_argument("--binarize", choices=BINARIZE, default="bernoulli")
    parser.add_argument("--seconds", type=float, default=2.5, help="to measure for")
    parser.add_argument("--steps", type=int, help="to measure, instead of --seconds")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    report = {}
    if options.model == "estimation":
        model, estimate = estimation()
        report["chunk"] = chunk = fastest_chunk(estimate)
        step = lambda: estimate(chunk)
    else:
        model, step = training(CONFIGS[options.model], options.foreach, BINARIZE[options.binarize])
    times = measure(step, options.seconds, options.steps)
    print(json.dumps(report | {
        "step_ms": statistics.median(times),
        "steps": len(times),
        "parameters": sum(p.numel() for p in model.parameters()),
        "torch": torch.__version__,
        "vectors": re.search(r"CPU capability usage: (.*)", torch.__config__.show())[1].strip(),
        "threads": torch.get_num_threads(),
        "blas": loaded_blas(),
    }))


if __name__ == "__main__":
    main()
