#!/usr/bin/env -S python3 -B
"""Compares strata with PyTorch: compare.py RUN_CASES [--cases N] [--seed S]

Draws N random cases, as many of every operation, distribution, layer, rule of gradient descent and schedule, computes
them with PyTorch in double and with strata in double and in float, values, gradients and all, and compares. A tensor's
error is its largest difference from PyTorch's, over that tensor's largest element or 1 if that is more: 1e-11 is
allowed in double, 1e-5 in float (1e-3 in layers). Special values follow, and what conventions.py says of them. Fails
for a function of strata's headers that has no case. Ends with 77, "skipped", where there is no PyTorch.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import zlib
from collections import defaultdict
from pathlib import Path

try:
    import numpy
    import torch
except ImportError as missing:
    print(f"skipped: {missing}; Debian's package python3-torch brings it")
    sys.exit(77)

from conventions import REFUSED, special_cases, stale_conventions
from distributions import DISTRIBUTIONS
from draws import Draws
from exchange import Results, packed_case
from modules import LAYERS, RULES, SCHEDULES, STATISTICS, differentiated
from operations import FAMILIES as OPERATIONS

KINDS = ["double", "float"]

FAMILIES = {
    family: {name: differentiated(*row) for name, row in rows.items()}
    for family, rows in {**OPERATIONS, "distributions": DISTRIBUTIONS}.items()
} | {"layers": LAYERS, "rules": RULES, "schedules": SCHEDULES, "statistics": STATISTICS}

PUBLIC = {  # where what needs a case is declared
    "autograd/arithmetic.cpp": r'record\("(\w+)"',  # operators
    "autograd/*.hpp": r"^template <class T> (?:Var|std::vector|BatchNormResult)<\S+ (\w+)\(",
    "vae/distributions.hpp": r"^template <class T> \S+ (\w+)\(",
    "nn/rules.hpp": r"^struct (\w+)",
    "nn/schedule.hpp": r"^struct (\w+)",
    "nn/optimizer.hpp": r"^double (\w+)\(",
    "nn/linear.hpp": r"^template <class T> struct (\w+)",
    "nn/batch_norm.hpp": r"^template <class T> struct (\w+)",
    "nn/mlp.hpp": r"^template <class T> struct (\w+)",
    "nn/dropout.hpp": r"^template <class T> Var<T> (\w+)\(",
    "nn/activation.hpp": r"^template <class T> Var<T> (\w+)\(",
}


def public_names():
    source = Path(__file__).parents[2]
    names = set()
    for pattern, expression in PUBLIC.items():
        for file in source.glob(pattern):
            names |= set(re.findall(expression, file.read_text(), re.MULTILINE))
    return names


def drawn_cases(count, seed):
    """(family, name, tensors, numbers, expected)"""
    names = [(family, name, draw) for family, rows in FAMILIES.items() for name, draw in rows.items()]
    for family, name, draw in names:
        for number in range(-(-count // len(names))):
            d = Draws([seed, zlib.crc32(name.encode()), number])
            tensors, numbers, expected = draw(d)
            yield family, name, tensors, numbers, [tensor.detach().numpy() for tensor in expected]


def computed(program, cases):
    """What strata gives for each of the cases, in double and in float."""
    with tempfile.TemporaryDirectory() as folder:
        file, results = Path(folder, "cases"), Path(folder, "results")
        file.write_bytes(b"".join(packed_case(name, tensors, numbers) for _, name, tensors, numbers, _ in cases))
        subprocess.run([program, file, results], check=True)
        found = Results(results.read_bytes())
        return [(found.result(), found.result()) for _ in cases]


def bound(family, kind):
    if kind == "double":
        return 1e-11
    return 1e-3 if family == "layers" else 1e-5  # batch normalisation of almost equal units amplifies rounding


def error(found, expected):
    """Infinite where they are not comparable at all."""
    if isinstance(found, str) or expected == REFUSED:
        return 0 if isinstance(found, str) and expected == REFUSED else numpy.inf
    if len(found) != len(expected):
        return numpy.inf
    return max((tensor_error(*pair) for pair in zip(found, expected)), default=0)


def tensor_error(found, expected):
    if found.shape != expected.shape:
        return numpy.inf
    with numpy.errstate(invalid="ignore"):
        same = (found == expected) | (numpy.isnan(found) & numpy.isnan(expected))
        differences = numpy.where(same, 0, abs(found - expected))
    largest = abs(expected[numpy.isfinite(expected)]).max(initial=1)
    return float(numpy.nan_to_num(differences, nan=numpy.inf, posinf=numpy.inf).max(initial=0) / largest)


def compare(program, count, seed):
    """Prints a line for each family; returns what is wrong."""
    cases = [*drawn_cases(count, seed), *special_cases()]
    worst, number, wrong = defaultdict(float), defaultdict(int), []
    for (family, name, tensors, numbers, expected), results in zip(cases, computed(program, cases)):
        number[family] += 1
        for kind, found in zip(KINDS, results):
            size = error(found, expected)
            worst[family, kind] = max(worst[family, kind], size)
            if not size <= bound(family, kind):
                shapes = [numpy.shape(tensor) for tensor in tensors]
                refusal = found if isinstance(found, str) else ""
                wrong.append(f"{name} in {kind}: error {size:.1e} at shapes {shapes}, numbers {numbers} {refusal}")
    print(f"{'family':16} {'cases':>7} {'double':>9} {'float':>9}")
    for family in number:
        print(f"{family:16} {number[family]:7} {worst[family, 'double']:9.1e} {worst[family, 'float']:9.1e}")
    print(f"{'':16} {len(cases):7}")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--cases", type=int, default=24000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    covered = {name.split("/")[0] for rows in FAMILIES.values() for name in rows}
    wrong = [f"'{name}' has no case" for name in sorted(public_names() - covered)]
    wrong += stale_conventions()
    wrong += compare(options.program, options.cases, options.seed)
    for line in wrong[:40]:
        print(line)
    if len(wrong) > 40:
        print(f"and {len(wrong) - 40} more")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
