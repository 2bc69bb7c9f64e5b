"""Random shapes and numbers, all of which float32 holds exactly: strata sees the same in float and in double."""

import math

import numpy

SIZES = [0, 1, 1, 1, 2, 2, 3, 3, 4, 5, 7, 8, 9, 16, 17, 33]


def exact(numbers):
    return numpy.asarray(numbers, numpy.float32).astype(numpy.float64)


class Draws:
    def __init__(self, seed):
        self.random = numpy.random.default_rng(seed)

    def whole(self, low, high):
        """From low to high, both included."""
        return int(self.random.integers(low, high + 1))

    def choice(self, values):
        return values[self.whole(0, len(values) - 1)]

    def coin(self):
        return self.whole(0, 1)

    def number(self, low, high):
        return float(exact(self.random.uniform(low, high)))

    def power(self, low, high):
        """Ten to a uniform power."""
        return float(exact(10 ** self.random.uniform(low, high)))

    def tensor(self, shape, low=-2, high=2):
        return exact(self.random.uniform(low, high, shape))

    def normal(self, shape):
        return exact(self.random.standard_normal(shape))

    def off_zero(self, shape, low, high):
        """Of either sign, low to high in size."""
        return self.tensor(shape, low, high) * self.random.choice([-1.0, 1.0], shape)

    def size(self, smallest=0):
        return self.choice([size for size in SIZES if size >= smallest])

    def shape(self, lowest=0, highest=4, smallest=0):
        """Of a rank from lowest to highest, sizes from smallest on, 500 elements at most."""
        while True:
            shape = tuple(self.size(smallest) for _ in range(self.whole(lowest, highest)))
            if math.prod(shape) <= 500:
                return shape

    def narrowed(self, shape):
        """A shape that broadcasts to this one."""
        sizes = [self.choice([1, size, size]) for size in shape]
        return tuple(sizes[self.choice([0, 0, 0, self.whole(0, len(sizes))]) :])

    def axis(self, rank):
        return self.whole(-rank, rank - 1)

    def axes(self, rank):
        """Some of so many axes, in any order, counted from the first or the last."""
        chosen = self.random.permutation(rank)[: self.whole(1, rank)]
        return [int(axis) - rank * self.coin() for axis in chosen]


# Generators of inputs: each gives a function from Draws to (tensors, numbers).


def one(low=-2, high=2, numbers=lambda d: [], **limits):
    return lambda d: ([d.tensor(d.shape(**limits), low, high)], numbers(d))


def off_zero(low, high, numbers=lambda d: []):
    return lambda d: ([d.off_zero(d.shape(), low, high)], numbers(d))


def two(low=-2, high=2):
    """Of shapes that broadcast to each other."""

    def draw(d):
        shape = d.shape()
        return [d.tensor(d.narrowed(shape), low, high) for _ in range(2)], []

    return draw


def alike(count, low=-2, high=2, lowest=1, numbers=lambda d: []):
    """Tensors of one shape."""

    def draw(d):
        shape = d.shape(lowest)
        return [d.tensor(shape, low, high) for _ in range(count)], numbers(d)

    return draw


def along(low=-2, high=2, keep=False, **limits):
    """A tensor and one of its axes, perhaps behind keep."""

    def draw(d):
        shape = d.shape(1, **limits)
        return [d.tensor(shape, low, high)], [d.coin()] * keep + [d.axis(len(shape))]

    return draw


def over(**limits):
    """A tensor, keep, and some of its axes."""

    def draw(d):
        shape = d.shape(1, **limits)
        return [d.tensor(shape)], [d.coin(), *d.axes(len(shape))]

    return draw
