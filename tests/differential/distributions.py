"""The distributions of vae as PyTorch has them: name: (function of tensors and numbers, inputs)."""

import torch
from torch.distributions import Bernoulli, MultivariateNormal, kl_divergence

from operations import bernoulli, binary, entries, kl, log_prob, normal, standard, triangle


def latent(count, full=False):
    """Matrices (B, L), in second place a log variance; the third may be the corner of a covariance's factor."""

    def draw(d):
        shape = batch, size = d.whole(1, 5), d.whole(1, 7)  # MultivariateNormal refuses empty batches
        tensors = [d.tensor(shape) for _ in range(count)]
        return tensors[:2] + [entries(d, (batch,), size)] * full + tensors[2:], []

    return draw


def full_normal(mean, log_variance, lower):
    factor = triangle(lower) + torch.diag_embed(torch.exp(log_variance / 2))
    return MultivariateNormal(mean, scale_tril=factor, validate_args=False)


def drawn(p, epsilon):
    """A draw from p and its log density, side by side."""
    z = p.loc + (p.scale_tril @ epsilon.unsqueeze(-1)).squeeze(-1)
    return torch.cat([z, p.log_prob(z).unsqueeze(-1)], -1)


def diagonal(mean, log_variance):
    return full_normal(mean, log_variance, mean.new_zeros(len(mean), mean.shape[1] * (mean.shape[1] - 1) // 2))


def drawn_bits(logits, epsilon):
    return (torch.special.ndtr(epsilon) < torch.sigmoid(logits)).double()


def repeated(*inputs):
    return torch.cat(inputs[:-1], -1).repeat_interleave(inputs[-1], 0)


def times(inputs):
    return lambda d: (inputs(d)[0], [d.whole(1, 4)])


DISTRIBUTIONS = {
    "sample/Normal": (lambda m, s, e: drawn(diagonal(m, s), e)[:, :-1], latent(3)),
    "sample/FullNormal": (lambda m, s, l, e: drawn(full_normal(m, s, l), e)[:, :-1], latent(3, True)),
    "sample/Bernoulli": (drawn_bits, latent(2)),
    "sample/StandardNormal": (lambda e: e * 1, latent(1)),
    "sample_and_log_prob/Normal": (lambda m, s, e: drawn(diagonal(m, s), e), latent(3)),
    "sample_and_log_prob/FullNormal": (lambda m, s, l, e: drawn(full_normal(m, s, l), e), latent(3, True)),
    "log_prob/Normal": (lambda m, s, x: log_prob(normal(m, s), x), latent(3)),
    "log_prob/FullNormal": (lambda m, s, l, x: full_normal(m, s, l).log_prob(x), latent(3, True)),
    "log_prob/StandardNormal": (lambda x: log_prob(standard(x), x), latent(1)),
    "log_prob/Bernoulli": (lambda l, x: bernoulli(x, l), lambda d: (binary(d)[0][::-1], [])),
    "mean/Normal": (lambda m, s: normal(m, s).mean, latent(2)),
    "mean/FullNormal": (lambda m, s, l: full_normal(m, s, l).mean * 1, latent(2, True)),
    "mean/Bernoulli": (lambda l: Bernoulli(logits=l).mean, latent(1)),
    "kl/Normal": (lambda m, s: kl(normal(m, s), standard(m)), latent(2)),
    "kl/FullNormal": (lambda m, s, l: kl_divergence(full_normal(m, s, l), diagonal(0 * m, 0 * s)), latent(2, True)),
    "kl/Normals": (lambda m, s, n, t: kl(normal(m, s), normal(n, t)), latent(4)),
    "repeat_rows/Normal": (repeated, times(latent(2))),
    "repeat_rows/FullNormal": (repeated, times(latent(2, True))),
}
