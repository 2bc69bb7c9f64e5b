#!/usr/bin/env python3
"""A trained model's weights in Python, with nothing but NumPy: model.safetensors is eight bytes of length, a
JSON header, and the numbers. Argument: a run's folder of `train_mnist`, with the hierarchy or the VAE.

Prints, for the folder of a run with `--latent 2`:
  encoder's first layer: (784, 500)
  latent width: 2
  z of a black image: 2 numbers, all finite
"""
import json
import sys

import numpy

DTYPES = {"F32": numpy.float32, "F64": numpy.float64, "U8": numpy.uint8, "I64": numpy.int64, "U64": numpy.uint64}


def read_safetensors(path):
    """The tensors by name, and the metadata."""
    with open(path, "rb") as file:
        content = file.read()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8:8 + length])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        tensors[name] = numpy.frombuffer(content[begin:end], DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors, metadata


def encode(tensors, x):
    """E[z_1 | x] of a model with softplus: h ← ln(1 + e^(h W + b)), then a linear mean."""
    h, layer = x, 0
    while f"q.0.body.{layer}.weight" in tensors:
        h = numpy.logaddexp(0, h @ tensors[f"q.0.body.{layer}.weight"] + tensors[f"q.0.body.{layer}.bias"])
        layer += 1
    return h @ tensors["q.0.mean.weight"] + tensors["q.0.mean.bias"]


if __name__ == "__main__":
    weights, configuration = read_safetensors(sys.argv[1] + "/model.safetensors")
    print("encoder's first layer:", weights["q.0.body.0.weight"].shape)
    print("latent width:", configuration["latent"])
    z = encode(weights, numpy.zeros((1, 784), numpy.float32))
    print(f"z of a black image: {z.size} numbers, {'all finite' if numpy.isfinite(z).all() else 'not finite'}")
