"""The files between compare.py and run_cases: u32 (counts), f64 (numbers) and bytes, in the machine's order.

Cases:   name, numbers, tensors; each list and text after its length, a tensor's sizes after its rank.
Results: for each case, in double and then in float: the refusal, empty where there is none, and then tensors.
"""

import struct

import numpy


def count(value):
    return struct.pack("I", value)


def packed(tensor):
    tensor = numpy.asarray(tensor, numpy.float64)
    return struct.pack(f"I{tensor.ndim}I", tensor.ndim, *tensor.shape) + tensor.tobytes()


def packed_case(name, tensors, numbers):
    head = count(len(name)) + name.encode() + struct.pack(f"=I{len(numbers)}d", len(numbers), *numbers)
    return head + count(len(tensors)) + b"".join(map(packed, tensors))


class Results:
    def __init__(self, content):
        self.content, self.place = content, 0

    def counts(self, number):
        values = struct.unpack_from(f"{number}I", self.content, self.place)
        self.place += 4 * number
        return values

    def tensor(self):
        shape = self.counts(*self.counts(1))
        tensor = numpy.frombuffer(self.content, numpy.float64, int(numpy.prod(shape)), self.place).reshape(shape)
        self.place += tensor.nbytes
        return tensor

    def result(self):
        """Tensors, or the text of a refusal."""
        (length,) = self.counts(1)
        if length:
            self.place += length
            return self.content[self.place - length : self.place].decode()
        return [self.tensor() for _ in range(*self.counts(1))]
