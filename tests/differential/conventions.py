"""Where strata differs from PyTorch on purpose, and special values where it must not.

CONVENTIONS is checked: strata gives the one, in double and in float, and PyTorch the other. These stand in modules.py
instead, which undoes them:

- batch normalisation's running variance is the biased one, as Keras keeps it (PyTorch: unbiased), and its decay is
  Keras' momentum, 1 − PyTorch's; ε is 1e-3 as in Keras (PyTorch: 1e-5);
- softplus is exact everywhere (PyTorch: x beyond 20);
- clip_gradient_norm multiplies by max / norm (PyTorch: max / (norm + 1e-6)), and refuses gradients that are not finite;
- CosineSchedule stays at its end (PyTorch's rises again);
- weights are (in, out), not (out, in);
- an optimizer refuses parameters that no gradient reached (PyTorch passes them over).
"""

from itertools import product
from math import inf, log, nan, pi

import numpy
import torch

from modules import gradients, tensors_of
from operations import FAMILIES

FUNCTIONS = {name: function for rows in FAMILIES.values() for name, (function, _) in rows.items()}
REFUSED = "refused"
NO_ROWS = numpy.zeros((0, 3))
EQUAL, NULL = [[1], [1]], [[0], [0]]
DENSE = 750 - log(2 * pi) / 2

CONVENTIONS = [
    # what, name, inputs, numbers, cotangent, and value and derivatives in strata, in PyTorch
    ("where no gradient arrives none leaves", "sqrt", [[0]], [], 0, [[0], [0]], [[0], [nan]]),
    ("", "log", [[0]], [], 0, [[-inf], [0]], [[-inf], [nan]]),
    ("", "divide", [[1], [0]], [], 0, [[inf], [0], [0]], [[inf], [nan], [nan]]),
    ("", "exp", [[inf]], [], 0, [[inf], [0]], [[inf], [nan]]),
    ("the derivative of NaN", "abs", [[nan]], [], 1, [[nan], [nan]], [[nan], [0]]),
    ("", "relu", [[nan]], [], 1, [[nan], [0]], [[nan], [1]]),
    ("", "clamp", [[nan]], [-1, 1], 1, [[nan], [1]], [[nan], [0]]),
    ("", "maximum", [[nan], [1]], [], 1, [[nan], [0], [0]], [[nan], [1], [1]]),
    ("", "minimum", [[1], [nan]], [], 1, [[nan], [0], [0]], [[nan], [1], [1]]),
    ("(−∞)^½, as IEEE 754 has it", "pow", [[-inf]], [0.5], 1, [[inf], [0]], [[nan], [nan]]),
    ("(−0)^−½ likewise", "pow", [[-0.0]], [0.5], 1, [[0], [inf]], [[0], [-inf]]),
    ("ln softplus x → x", "log_softplus", [[-inf]], [], 1, [[-inf], [1]], [[-inf], [nan]]),
    ("no mass at all", "logsumexp", [[-inf, -inf]], [0, 0], 1, [-inf, [0, 0]], [-inf, [nan, nan]]),
    ("no distribution", "softmax", [[-inf, -inf]], [0], 1, [[0, 0], [0, 0]], [[nan, nan], [nan, nan]]),
    ("", "log_softmax", [[-inf, -inf]], [0], 1, [[-inf, -inf], [1, 1]], [[nan, nan], [nan, nan]]),
    ("infinite mass", "softmax", [[inf, 0]], [0], 1, [[nan, 0], [nan, nan]], [[nan, nan], [nan, nan]]),
    ("certain bits", "bernoulli_log_density", [[1], [inf]], [], 1, [0, [inf], [0]], [nan, [inf], [0]]),
    ("", "bernoulli_log_density", [[1], [-inf]], [], 1, [-inf, [-inf], [1]], [nan, [-inf], [1]]),
    ("e^(s/2) = 0", "normal_log_density", [[0], [0], [-1500]], [], 1, [DENSE, [0], [0], [-0.5]], [nan] + [[nan]] * 3),
    ("", "standard_normal_kl", [[0], [-1500]], [], 1, [749.5, [0], [-0.5]], [inf, [0], [nan]]),
    ("over no axes: x itself", "sum/axes", [[1, 2]], [0], 1, [[1, 2], [1, 1]], [3, [1, 1]]),
    ("of nothing", "mean", [[]], [], 1, REFUSED, [nan, []]),
    ("", "mean/axes", [NO_ROWS], [0, 1], 1, REFUSED, [[], NO_ROWS]),
    ("", "max", [NO_ROWS], [0, 1], 1, REFUSED, [[], NO_ROWS]),
    ("an axis of rank 0", "softmax", [1], [-1], 1, REFUSED, [1, 0]),
    ("bounds the wrong way round", "clamp", [[0]], [1, -1], 1, REFUSED, [[-1], [0]]),
    ("vectors", "matmul", [[1, 2], [3, 4]], [], 1, REFUSED, [11, [3, 4], [1, 2]]),
    ("ε = 0", "batch_norm", [EQUAL, [1], [3]], [0], 1, REFUSED, [[[3]] * 2, NULL, [0], [2]]),
    ("an unknown choice", "where", [[nan], [1], [5]], [], 1, [[nan], [0], [nan], [nan]], [[1], [0], [1], [0]]),
]

UNARY = [name for name in FAMILIES["elementwise"] if name not in ("where", "clamp", "maximum", "minimum")]
BINARY = ["add", "subtract", "multiply", "divide", "maximum", "minimum"]
POINTS = [0.0, -0.0, 1.0, -1.0, 2.0, 50.0, -50.0, 2**-10, -(2**-10), inf, -inf, nan]
SCALARS = {"pow": [-1, 0, 0.5, 1, 2, 2.5], "pow/whole": [3], "leaky_relu": [0.25]}

ALIKE = [
    # name, inputs, numbers: ties, kinks, infinities, nothing, and what both refuse
    ("max", [[2, 2, 1]], [0, 0]),
    ("min", [[[2, 2], [1, 2]]], [0, 0, 1]),
    ("logsumexp", [[-inf, 0]], [0, 0]),
    ("logsumexp", [[inf, 0]], [0, 0]),
    ("logsumexp", [[]], [0, 0]),
    ("softmax", [[-inf, 0]], [0]),
    ("softmax", [NO_ROWS], [0]),
    ("log_softmax", [[-inf, 0]], [0]),
    ("log_softmax", [[1000, -1000]], [0]),
    ("sum", [[]], []),
    ("sum/axes", [NO_ROWS], [0, 0]),
    ("max", [NO_ROWS], [0, 0]),
    ("cumsum", [[inf, 1, -inf]], [0]),
    ("where", [[0, 1], [nan, 1], [2, nan]], []),
    ("bernoulli_log_density", [[0, 1, 0], [800, -800, -800]], []),
    ("reparameterize", [[1], [-inf], [2]], []),
    ("standard_normal_kl", [[0], [0]], []),
    ("matmul", [numpy.zeros((2, 0)), NO_ROWS], []),
    ("affine", [numpy.zeros((2, 0)), NO_ROWS, [1, 2, 3]], []),
    ("add", [[1, 2], [1, 2, 3]], []),
    ("reshape", [[1, 2]], [3]),
    ("reshape", [[]], [0, -1]),
    ("slice", [[1, 2]], [0, 1, 3]),
    ("gather_rows", [[1, 2]], [2]),
    ("concatenate", [[1], [2]], [1]),
    ("cholesky", [[[1, 2], [2, 1]]], []),
    ("cholesky", [[[0]]], []),
    ("batch_norm", [[[1, 2]], [1, 1], [0, 0]], [0.001]),
]


def arrays(values):
    return [numpy.asarray(value, float) for value in values]


def by_pytorch(name, inputs, numbers, cotangent):
    """Value and derivatives, or REFUSED; and the inputs with a cotangent of the value's shape."""
    x = tensors_of(arrays(inputs), requires_grad=True)
    try:
        y = FUNCTIONS[name](*x, *numbers)
    except (RuntimeError, ValueError, IndexError):
        return REFUSED, [*arrays(inputs), numpy.zeros(())]
    cotangents = numpy.full(tuple(y.shape), float(cotangent))
    return [tensor.detach().numpy() for tensor in (y, *gradients(y, x, cotangents))], [*arrays(inputs), cotangents]


def swept():
    """Elementwise functions at POINTS, those of one tensor in lanes and tail, and not where CONVENTIONS differ."""
    listed = {
        (name, *inputs[0], *numbers)
        for _, name, inputs, numbers, cotangent, *_ in CONVENTIONS
        if name in UNARY and cotangent == 1
    }
    for name in UNARY:
        for numbers in [[number] for number in SCALARS.get(name, [])] or [[]]:
            points = [x for x in POINTS if (name, x, *numbers) not in listed]
            yield name, [points * 3], numbers
    pairs = list(product([x for x in POINTS if x == x], repeat=2))
    for name in BINARY:
        yield name, [[a for a, _ in pairs], [b for _, b in pairs]], []


def special_cases():
    """(family, name, tensors, numbers, expected)"""
    for _, name, inputs, numbers, cotangent, ours, _ in CONVENTIONS:
        expected = ours if ours == REFUSED else arrays(ours)
        cotangents = numpy.full(numpy.shape(expected[0] if ours != REFUSED else ()), float(cotangent))
        yield "conventions", name, [*arrays(inputs), cotangents], numbers, expected
    for name, inputs, numbers in ALIKE:
        expected, tensors = by_pytorch(name, inputs, numbers, 1)
        yield "special values", name, tensors, numbers, expected
    for (name, inputs, numbers), cotangent in product(swept(), (0, 1)):
        (value, *slopes), tensors = by_pytorch(name, inputs, numbers, cotangent)
        if cotangent == 0:
            slopes = [numpy.zeros_like(slope) for slope in slopes]
        yield "special values", name, tensors, numbers, [value, *slopes]


def stale_conventions():
    """Where PyTorch does not do what CONVENTIONS say."""
    for what, name, inputs, numbers, cotangent, _, theirs in CONVENTIONS:
        found, _ = by_pytorch(name, inputs, numbers, cotangent)
        if found == REFUSED or not all(numpy.array_equal(*pair, equal_nan=True) for pair in zip(found, arrays(theirs))):
            yield f"CONVENTIONS, {name} of {inputs}: PyTorch gives {found}"
