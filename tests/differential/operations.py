"""Every operation of autograd as PyTorch computes it: name: (function of tensors and numbers, inputs)."""

import operator

import numpy
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence
from torch.nn import functional

from draws import along, alike, off_zero, one, over, two

scalar = lambda d: [d.number(-3, 3)]
nonzero = lambda d: [d.number(0.5, 3) * (-1) ** d.coin()]
bounds = lambda d: sorted(d.number(-2, 2) for _ in range(2))

ARITHMETIC = {
    "add": (operator.add, two()),
    "subtract": (operator.sub, two()),
    "multiply": (operator.mul, two()),
    "divide": (operator.truediv, lambda d: divided(d)),
    "add_scalar": (lambda x, c: x + c, one(numbers=scalar)),
    "add_scalar/left": (lambda x, c: c + x, one(numbers=scalar)),
    "add_scalar/minus": (lambda x, c: x - c, one(numbers=scalar)),
    "add_scalar/from": (lambda x, c: c - x, one(numbers=scalar)),
    "multiply_scalar": (lambda x, c: x * c, one(numbers=scalar)),
    "multiply_scalar/left": (lambda x, c: c * x, one(numbers=scalar)),
    "divide_by_scalar": (lambda x, c: x / c, one(numbers=nonzero)),
    "divide_scalar": (lambda x, c: c / x, off_zero(0.3, 3, scalar)),
    "negate": (operator.neg, one()),
}


def divided(d):
    shape = d.shape()
    return [d.tensor(d.narrowed(shape)), d.off_zero(d.narrowed(shape), 0.5, 3)], []


def chosen(d):
    shape = d.shape()
    mask = d.random.choice([0.0, 0.0, 1.0, -2.0], d.narrowed(shape))
    return [mask, d.tensor(d.narrowed(shape)), d.tensor(d.narrowed(shape))], []


softplus = lambda x: functional.softplus(x, threshold=700)

ELEMENTWISE = {
    "exp": (torch.exp, one(-4, 3)),
    "log": (torch.log, one(0.05, 5)),
    "log1p": (torch.log1p, one(-0.9, 5)),
    "expm1": (torch.expm1, one(-4, 3)),
    "sin": (torch.sin, one(-9, 9)),
    "cos": (torch.cos, one(-9, 9)),
    "erf": (torch.erf, one(-4, 4)),
    "pow": (torch.pow, one(0.3, 2, lambda d: [d.choice([-1, 0, 0.5, 1, 2, 2.5, 3, d.number(-3, 3)])])),
    "pow/whole": (torch.pow, off_zero(0.3, 2, lambda d: [d.whole(-4, 4)])),
    "sqrt": (torch.sqrt, one(0.05, 9)),
    "square": (torch.square, one()),
    "abs": (torch.abs, one()),
    "where": (lambda mask, a, b: torch.where(mask != 0, a, b), chosen),
    "clamp": (torch.clamp, one(-3, 3, bounds)),
    "maximum": (torch.maximum, two()),
    "minimum": (torch.minimum, two()),
    "tanh": (torch.tanh, one(-9, 9)),
    "relu": (torch.relu, one()),
    "leaky_relu": (functional.leaky_relu, one(numbers=lambda d: [d.number(0, 1)])),
    "leaky_relu/default": (functional.leaky_relu, one()),
    "sigmoid": (torch.sigmoid, one(-30, 30)),
    "log_sigmoid": (functional.logsigmoid, one(-30, 30)),
    "softplus": (softplus, one(-30, 30)),
    "log_softplus": (lambda x: torch.log(softplus(x)), one(-15, 30)),
    "stop_gradient": (lambda x: x * x.detach(), one()),
}

REDUCE = {
    "sum": (torch.sum, one()),
    "sum/axes": (lambda x, keep, *axes: x.sum(axes, bool(keep)), over()),
    "mean": (torch.mean, one(smallest=1)),
    "mean/axes": (lambda x, keep, *axes: x.mean(axes, bool(keep)), over(smallest=1)),
    "max": (lambda x, keep, *axes: x.amax(axes, bool(keep)), over(smallest=1)),
    "min": (lambda x, keep, *axes: x.amin(axes, bool(keep)), over(smallest=1)),
    "logsumexp": (lambda x, keep, axis: x.logsumexp(axis, bool(keep)), along(-30, 30, keep=True)),
    "softmax": (torch.softmax, along(-9, 9)),
    "log_softmax": (torch.log_softmax, along(-30, 30)),
    "cumsum": (torch.cumsum, along()),
}


def new_sizes(d):
    shape = d.shape()
    sizes = list(d.random.permutation(shape).astype(int)) + [1] * d.coin()
    if 0 not in sizes and sizes and d.coin():
        sizes[d.whole(0, len(sizes) - 1)] = -1
    return [d.tensor(shape)], [int(size) for size in sizes]


def new_axis(d):
    shape = d.shape(highest=3)
    return [d.tensor(shape)], [d.axis(len(shape) + 1)]


def repeated_axis(d):
    inputs, axis = new_axis(d)
    return inputs, axis + [d.whole(0, 4)]


def turned(d):
    shape = d.shape()
    return [d.tensor(shape)], [axis - len(shape) * d.coin() for axis in d.random.permutation(len(shape)).tolist()]


def joined(d):
    shape = d.shape(1)
    axis = d.axis(len(shape))
    parts = [list(shape) for _ in range(d.whole(1, 4))]
    for part in parts:
        part[axis] = d.size()
    return [d.tensor(part) for part in parts], [axis]


def sliced(d):
    shape = d.shape(1)
    axis = d.axis(len(shape))
    return [d.tensor(shape)], [axis, *sorted(d.whole(0, shape[axis]) for _ in range(2))]


def widened(d):
    shape = d.shape()
    return [d.tensor(d.narrowed(shape))], list(shape)


def gathered(d):
    shape = d.shape(1, smallest=1)
    return [d.tensor(shape)], [d.whole(0, shape[0] - 1) for _ in range(d.size())]


def triangle(x):
    """Matrices with the numbers below their diagonals, row by row."""
    size = round((1 + (1 + 8 * x.shape[-1]) ** 0.5) / 2)
    rows, columns = torch.tril_indices(size, size, -1)
    matrix = x.new_zeros(*x.shape[:-1], size, size)
    matrix[..., rows, columns] = x
    return matrix


def entries(d, shape, size):
    return d.tensor((*shape, size * (size - 1) // 2), -1, 1)


SHAPE = {
    "reshape": (lambda x, *sizes: x.reshape(sizes), new_sizes),
    "unsqueeze": (torch.unsqueeze, new_axis),
    "unsqueeze/size": (lambda x, axis, size: x.unsqueeze(axis).repeat_interleave(size, axis), repeated_axis),
    "transpose": (lambda x: x.permute(tuple(reversed(range(x.dim())))), one()),
    "transpose/axes": (lambda x, *axes: x.permute(axes), turned),
    "concatenate": (lambda *inputs: torch.cat(inputs[:-1], inputs[-1]), joined),
    "slice": (lambda x, axis, begin, end: x.narrow(axis, begin, end - begin), sliced),
    "broadcast": (lambda x, *sizes: x.expand(sizes), widened),
    "gather_rows": (lambda x, *rows: x[torch.tensor(rows, dtype=torch.long)], gathered),
    "repeat_rows": (lambda x, times: x.repeat_interleave(times, 0), one(numbers=lambda d: [d.whole(1, 4)], lowest=1)),
    "strictly_lower": (triangle, lambda d: ([entries(d, d.shape(highest=3), d.whole(1, 6))], [])),
}


def product(batched):
    def draw(d):
        m, k, n = (d.size() for _ in range(3))
        batch = (d.whole(0, 4),) * batched
        return [d.tensor((*batch, m, k)), d.tensor((*batch, k, n))], []

    return draw


def mapped(d):
    shape = d.shape(2)
    out = d.size()
    return [d.tensor(shape), d.tensor((shape[-1], out)), d.tensor((out,))], []


def definite(d):
    """a aᵀ + n I, beside which a skew part must not matter."""
    batch, n = (d.whole(0, 3),) * d.coin(), d.whole(0, 9)
    a, skew = d.tensor((*batch, n, n)), d.tensor((*batch, n, n))
    return [a @ a.swapaxes(-1, -2) + n * numpy.eye(n) + skew - skew.swapaxes(-1, -2)], []


def system(d):
    batch, n = (d.whole(0, 3),) * d.coin(), d.whole(0, 9)
    lower = d.tensor((*batch, n, n), -0.5, 0.5) + numpy.eye(n) * d.off_zero((n,), 2, 3)
    return [lower, d.tensor((*batch, n, d.size()))], []


def solve(turned):
    return lambda l, b: torch.linalg.solve_triangular(l.tril().mT if turned else l.tril(), b, upper=turned)


LINEAR_ALGEBRA = {
    "matmul": (torch.matmul, product(0)),
    "matmul/batched": (torch.matmul, product(1)),
    "affine": (lambda x, w, b: x @ w + b, mapped),
    "cholesky": (lambda a: torch.linalg.cholesky((a + a.mT) / 2), definite),
    "triangular_solve": (solve(False), system),
    "triangular_solve/turned": (solve(True), system),
}


def rows(d):
    """x (..., D) of some rows, γ and β."""
    shape = (d.whole(2, 20), d.size(1)) if d.coin() else (d.whole(1, 3), d.whole(2, 5), d.size(1))
    return [d.normal(shape), d.tensor(shape[-1:]), d.tensor(shape[-1:])], [d.power(-4, 0)]


def normalise(x, gamma, beta, epsilon):
    flat = x.reshape(-1, x.shape[-1])
    return functional.batch_norm(flat, None, None, gamma, beta, True, 0.1, epsilon).reshape(x.shape)


NORMALIZATION = {"batch_norm": (normalise, rows)}


def normal(mean, log_variance):
    return Normal(mean, torch.exp(log_variance / 2), validate_args=False)


def standard(x):
    return normal(torch.zeros_like(x), torch.zeros_like(x))


def log_prob(p, x):
    return p.log_prob(x).sum(-1)


def kl(q, p):
    return kl_divergence(q, p).sum(-1)


def bernoulli(x, logits):
    return log_prob(Bernoulli(logits=logits, validate_args=False), x)


def density(d):
    shape = d.shape(1)
    return [d.tensor(shape), d.tensor(d.narrowed(shape)), d.tensor(d.narrowed(shape), -3, 3)], []


def pairs(d):
    batch, count, size = d.whole(0, 5), d.whole(1, 40), d.whole(1, 9)
    return [d.tensor((batch, size)), d.tensor((count, size)), d.tensor((count, size), -3, 3)], []


def cornered(d):
    batch, size = d.whole(0, 5), d.whole(1, 9)
    return [entries(d, (batch,), size), d.normal((batch, size))], []


def binary(d):
    shape = d.shape(1)
    x = d.random.choice([0.0, 1.0], shape) if d.coin() else d.tensor(shape, 0, 1)
    return [x, d.tensor(shape, -20, 20)], []


PROBABILITY = {
    "normal_log_density": (lambda x, m, s: log_prob(normal(*torch.broadcast_tensors(m, s, x)[:2]), x), density),
    "pairwise_normal_log_density": (lambda x, m, s: log_prob(normal(m, s), x.unsqueeze(1)), pairs),
    "standard_normal_log_density": (lambda x: log_prob(standard(x), x), one(lowest=1)),
    "bernoulli_log_density": (bernoulli, binary),
    "reparameterize": (lambda m, s, e: m + torch.exp(s / 2) * e, alike(3, lowest=0)),
    "standard_normal_kl": (lambda m, s: kl(normal(m, s), standard(m)), alike(2)),
    "draw_log_density": (lambda s, e: log_prob(normal(torch.zeros_like(s), s), torch.exp(s / 2) * e), alike(2)),
    "strict_lower_product": (lambda l, e: (triangle(l) @ e.unsqueeze(-1)).squeeze(-1), cornered),
}


FAMILIES = {
    "arithmetic": ARITHMETIC,
    "elementwise": ELEMENTWISE,
    "reduce": REDUCE,
    "shape": SHAPE,
    "linear_algebra": LINEAR_ALGEBRA,
    "normalization": NORMALIZATION,
    "probability": PROBABILITY,
}
