"""Layers, rules of gradient descent and schedules of nn: name: function from Draws to (tensors, numbers, expected).

Where PyTorch follows another convention, it is undone here; conventions.py says which.
"""

import torch
from torch import optim
from torch.nn import Parameter, functional

from draws import exact, one
from operations import rows, softplus


def tensors_of(arrays, **options):
    return [torch.tensor(array, dtype=torch.float64, **options) for array in arrays]


def differentiated(function, inputs):
    """y and the derivatives of Σ cotangent ⊙ y; the cotangent is the last tensor."""

    def draw(d):
        arrays, numbers = inputs(d)
        x = tensors_of(arrays, requires_grad=True)
        y = function(*x, *numbers)
        cotangent = d.normal(y.shape)
        return [*arrays, cotangent], numbers, [y, *gradients(y, x, cotangent)]

    return draw


def gradients(y, x, cotangent):
    if not y.requires_grad:
        return [torch.zeros_like(input) for input in x]
    found = torch.autograd.grad(y, x, torch.tensor(cotangent, dtype=torch.float64), allow_unused=True)
    return [torch.zeros_like(input) if gradient is None else gradient for input, gradient in zip(x, found)]


def plain(function, inputs):
    """What has no derivative."""

    def draw(d):
        arrays, numbers = inputs(d)
        return arrays, numbers, function(*tensors_of(arrays), *numbers)

    return draw


def positions(function):
    return plain(lambda x: [function(x, -1).flatten()], lambda d: ([d.tensor(d.shape(1, smallest=1))], []))


def moments(x, gamma, beta, epsilon):
    flat = x.reshape(-1, x.shape[-1])
    return [flat.mean(0), flat.var(0, unbiased=False)]


def labelled(d):
    classes = d.size(1)
    return [d.tensor(d.shape(highest=3), 0, classes - 0.01) // 1], [classes]


ACTIVATIONS = [softplus, torch.relu, functional.leaky_relu, torch.tanh, torch.sigmoid]


def activation(d):
    return [d.tensor(d.shape())], [d.whole(0, len(ACTIVATIONS) - 1)]


def linear(d):
    batch, into, out = d.size(), d.size(1), d.size(1)
    return [d.tensor((batch, into)), d.tensor((into, out)), d.tensor((out,))], []


def normalise(x, gamma, beta, mean, variance, train, decay, epsilon):
    """PyTorch keeps the unbiased variance, with weight 1 − decay on the new; strata the biased one."""
    new_mean, new_variance = mean.clone(), variance.clone()
    y = functional.batch_norm(x, new_mean, new_variance, gamma, beta, bool(train), 1 - decay, epsilon)
    if train:
        mean.copy_(new_mean)
        variance.copy_(decay * variance + (new_variance - decay * variance) * (len(x) - 1) / len(x))
    return y


def norm_tensors(d, width):
    """γ, β, and running statistics."""
    return [d.tensor((width,)), d.tensor((width,)), d.tensor((width,)), d.tensor((width,), 0.1, 2)]


def batch_norm(d):
    batch, width = d.whole(2, 17), d.size(1)
    train, decay, epsilon = d.coin(), d.number(0.5, 0.99), d.power(-4, -1)
    arrays = [d.normal((batch, width)), *norm_tensors(d, width)]
    return module(d, arrays, [train, decay, epsilon], lambda *x: normalise(*x, train, decay, epsilon), 3)


def module(d, arrays, numbers, call, *buffers_at):
    """Of x and a layer's tensors, those from buffers_at on, two and two, are buffers: they have no gradient."""
    buffers = [place + i for place in buffers_at for i in range(2)]
    x = [torch.tensor(array, requires_grad=i not in buffers) for i, array in enumerate(arrays)]
    y = call(*x)
    cotangent = d.normal(y.shape)
    found = iter(gradients(y, [tensor for tensor in x if tensor.requires_grad], cotangent))
    return [*arrays, cotangent], numbers, [y, *(next(found) if t.requires_grad else t for t in x)]


def multilayer(d):
    which, norm, train = d.whole(0, len(ACTIVATIONS) - 1), d.coin(), d.coin()
    widths = [d.choice([1, 2, 3, 5, 8, 17]) for _ in range(d.whole(2, 4))]
    arrays = [d.normal((d.choice([3, 5, 8, 16]), widths[0]))]
    buffers_at = []
    for into, out in zip(widths, widths[1:]):
        arrays += [d.tensor((into, out)) / 4, d.tensor((out,))]
        if norm:
            buffers_at.append(len(arrays) + 2)
            arrays += norm_tensors(d, out)

    def call(x, *tensors):
        layers = iter(tensors)
        for weight in layers:
            x = x @ weight + next(layers)
            if norm:
                x = normalise(x, *(next(layers) for _ in range(4)), train, 0.9, 1e-3)
            x = ACTIVATIONS[which](x)
        return x

    return module(d, arrays, [which, norm, train, *widths], call, *buffers_at)


def optimized(rule, options):
    """The weights after each of some steps, each at its own rate."""

    def draw(d):
        numbers, shape = options(d), d.shape()
        steps = d.whole(1, 8)
        rates = d.tensor((steps,), 1e-3, 0.1)
        arrays = [d.tensor(shape), *(exact(d.normal(shape) * d.power(-2, 2)) for _ in range(steps))]
        w = Parameter(torch.tensor(arrays[0]))
        optimizer, expected = rule([w], *numbers), []
        for rate, gradient in zip(rates, arrays[1:]):
            optimizer.param_groups[0]["lr"] = float(rate)
            w.grad = torch.tensor(gradient)
            optimizer.step()
            expected.append(w.detach().clone())
        return [*arrays, rates], numbers, expected

    return draw


rate = lambda d: [d.number(0, 0.9)]
momentum = lambda d: [d.number(0, 0.99)]
epsilon = lambda d: [d.power(-9, -2)]
rms = lambda d: [d.number(0.5, 0.99), *epsilon(d)]
adam = lambda d: [d.number(0.5, 0.95), d.number(0.9, 0.999), *epsilon(d)]
adamw = lambda d: [*adam(d), d.number(0, 0.5)]


def clipped(d):
    """PyTorch multiplies by max / (norm + 1e-6), strata by max / norm."""
    arrays = [d.normal(d.shape()) for _ in range(d.whole(1, 4))]
    limit = d.power(-2, 2)
    parameters = [Parameter(torch.zeros(array.shape, dtype=torch.float64)) for array in arrays]
    for parameter, array in zip(parameters, arrays):
        parameter.grad = torch.tensor(array)
    norm = torch.nn.utils.clip_grad_norm_(parameters, limit)
    undo = (norm + 1e-6) / norm if norm > limit else 1
    return arrays, [limit], [norm, *(parameter.grad * undo for parameter in parameters)]


def scheduled(options, make):
    """A schedule's factors, from epoch 0 on."""

    def draw(d):
        numbers = options(d)
        optimizer = optim.SGD([Parameter(torch.zeros(1))], lr=1.0)
        schedule, factors = make(optimizer, *numbers[1:]), []
        for _ in range(numbers[0]):
            factors.append(schedule.get_last_lr()[0])
            optimizer.step()
            schedule.step()
        return [], numbers, [torch.tensor(factors, dtype=torch.float64)]

    return draw


def half_a_cosine(d):
    epochs = d.whole(1, 60)
    return [d.whole(0, epochs + 1), epochs, d.number(0, 0.5)]  # PyTorch's goes up again afterwards


LAYERS = {
    "Linear": lambda d: module(d, *linear(d), lambda x, weight, bias: functional.linear(x, weight.T, bias)),
    "BatchNorm": batch_norm,
    "Mlp": multilayer,
    "dropout": differentiated(lambda x, rate: functional.dropout(x, rate, False) * 1, one(numbers=rate)),
    "activate": differentiated(lambda x, which: ACTIVATIONS[which](x), activation),
}

RULES = {
    "Sgd": optimized(lambda w: optim.SGD(w, 1), lambda d: []),
    "Momentum": optimized(lambda w, mu: optim.SGD(w, 1, mu), momentum),
    "Nesterov": optimized(lambda w, mu: optim.SGD(w, 1, mu, nesterov=True), lambda d: [d.number(0.1, 0.99)]),
    "AdaGrad": optimized(lambda w, eps: optim.Adagrad(w, eps=eps), epsilon),
    "RmsProp": optimized(lambda w, alpha, eps: optim.RMSprop(w, 1, alpha, eps), rms),
    "Adam": optimized(lambda w, b1, b2, eps: optim.Adam(w, 1, (b1, b2), eps), adam),
    "AdamW": optimized(lambda w, b1, b2, eps, decay: optim.AdamW(w, 1, (b1, b2), eps, decay), adamw),
    "clip_gradient_norm": clipped,
}

SCHEDULES = {
    "ConstantSchedule": scheduled(lambda d: [d.whole(0, 40)], lambda o: optim.lr_scheduler.ConstantLR(o, 1.0)),
    "StepSchedule": scheduled(lambda d: [d.whole(0, 40), d.whole(1, 9), d.number(0.1, 1)], optim.lr_scheduler.StepLR),
    "CosineSchedule": scheduled(half_a_cosine, optim.lr_scheduler.CosineAnnealingLR),
    "BurdaSchedule": scheduled(
        lambda d: [d.whole(0, 400), 3280],
        lambda o, _: optim.lr_scheduler.MultiStepLR(o, [(3**i - 1) // 2 for i in range(1, 8)], 10 ** (-1 / 7)),
    ),
}

STATISTICS = {
    "argmax": positions(torch.argmax),
    "argmin": positions(torch.argmin),
    "one_hot": plain(lambda x, classes: [functional.one_hot(x.long(), classes)], labelled),
    "batch_norm/statistics": plain(moments, rows),
}
