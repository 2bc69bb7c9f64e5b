"""Times PyTorch's training step of the VAE that `benchmark` calls step/seed_model; tools/benchmark/compare_pytorch runs it.

Prints one line of JSON: the median step, and what was really loaded: PyTorch, its vector code, BLAS and threads.
"""
import argparse
import ctypes
import json
import os
import re
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F

PIXELS, HIDDEN, LATENT, BATCH = 784, (500, 300, 150), 2, 128


def mlp(*widths):
    pairs = zip(widths, widths[1:])
    return nn.Sequential(*(module for i, o in pairs for module in (nn.Linear(i, o), nn.Softplus())))


class Vae(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = mlp(PIXELS, *HIDDEN)
        self.mean = nn.Linear(HIDDEN[-1], LATENT)
        self.log_variance = nn.Linear(HIDDEN[-1], LATENT)
        self.decoder = nn.Sequential(mlp(LATENT, *reversed(HIDDEN)), nn.Linear(HIDDEN[0], PIXELS))

    def loss(self, x):
        """The negative ELBO, a mean over the batch, with one sample of z an image."""
        h = self.encoder(x)
        mean, log_variance = self.mean(h), self.log_variance(h)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        reconstruction = F.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="sum")
        kl = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).sum()
        return (reconstruction + kl) / len(x)


BINARIZE = {
    "bernoulli": torch.bernoulli,
    # The same distribution, but drawn by vector code: 1.13's bernoulli without MKL draws pixel by pixel.
    "compare": lambda p: (torch.rand_like(p) < p).float(),
}


def training(foreach, binarize):
    """A function that makes one step: gather and binarise a batch, forward, backward, update, read the loss."""
    torch.manual_seed(1)
    images = torch.rand(BATCH, PIXELS).square()  # as many as a batch holds, like benchmark's
    model = Vae()
    # foreach=None is PyTorch's default setting.
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, foreach=foreach or None)

    def step():
        x = binarize(images[torch.randperm(len(images))])
        optimizer.zero_grad(set_to_none=True)
        loss = model.loss(x)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


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
        before = time.perf_counter()
        step()
        times.append(1e3 * (time.perf_counter() - before))
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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, help="PyTorch's threads (default: its own choice)")
    parser.add_argument("--foreach", action="store_true", help="foreach Adam")
    parser.add_argument("--binarize", choices=BINARIZE, default="bernoulli")
    parser.add_argument("--seconds", type=float, default=2.5, help="to measure for")
    parser.add_argument("--steps", type=int, help="to measure, instead of --seconds")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    times = measure(training(options.foreach, BINARIZE[options.binarize]), options.seconds, options.steps)
    print(json.dumps({
        "step_ms": statistics.median(times),
        "steps": len(times),
        "torch": torch.__version__,
        "vectors": re.search(r"CPU capability usage: (.*)", torch.__config__.show())[1].strip(),
        "threads": torch.get_num_threads(),
        "blas": loaded_blas(),
    }))


if __name__ == "__main__":
    main()
