#!/usr/bin/env python3
"""Runs the programs' commands that the documentation prints, as printed, one epoch each, on small data of the kinds
that they name.

    commands.py SOURCE PROGRAMS WORK      the project, its programs' folder, and one to make and work in
"""
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

READERS = [["README.md", "docs/runs.md"], ["README.zh.md"]]  # who read one page after the other
FURTHER = {"train_mnist": ["--epochs", "1", "--threads", "1"], "benchmark": ["--benchmark_list_tests"]}


def commands(page):
    """The lines of its shell blocks, without comments, continued ones joined."""
    for block in re.findall(r"```sh\n(.*?)```", page.read_text("utf-8"), re.S):
        for line in block.replace("\\\n", " ").splitlines():
            if words := line.split("  #")[0].split(" #")[0].split():
                yield words


def grey(count, side):
    """Images with one lit square each, somewhere."""
    for _ in range(count):
        rows = [bytearray(side) for _ in range(side)]
        top, left = random.randrange(side // 2), random.randrange(side // 2)
        for row in rows[top:top + side // 2]:
            row[left:left + side // 2] = bytes([250]) * (side // 2)
        yield b"".join(rows)


def write_idx(file, shape, content):
    file.write_bytes(struct.pack(">HBB", 0, 8, len(shape)) + struct.pack(f">{len(shape)}I", *shape) + content)


def npy(shape, content):
    header = str({"descr": "|u1", "fortran_order": False, "shape": shape}).ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + content


def png(side, content):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + content[i:i + side] for i in range(0, len(content), side))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)) + chunk(
        b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def make_data(work):
    mnist = work / "data/mnist"
    mnist.mkdir(parents=True)
    for part, count in (("train", 300), ("t10k", 40)):
        write_idx(mnist / f"{part}-images-idx3-ubyte", (count, 28, 28), b"".join(grey(count, 28)))
        write_idx(mnist / f"{part}-labels-idx1-ubyte", (count,), bytes(i % 10 for i in range(count)))
    for label in ("cat", "dog"):
        (work / "photos" / label).mkdir(parents=True)
        for i, image in enumerate(grey(100, 12)):
            (work / "photos" / label / f"{i}.png").write_bytes(png(12, image))
    with zipfile.ZipFile(work / "digits.npz", "w") as file:
        file.writestr("images.npy", npy((1000, 8, 8), b"".join(grey(1000, 8))))
        file.writestr("labels.npy", npy((1000,), bytes(i % 10 for i in range(1000))))


def main():
    source, programs, work = (Path(argument).absolute() for argument in sys.argv[1:])
    random.seed(1)
    environment = {name: value for name, value in os.environ.items() if name != "STRATA_MNIST_DIR"}
    count = 0
    for pages in READERS:
        shutil.rmtree(work, ignore_errors=True)
        make_data(work)
        for page, words in ((page, words) for page in pages for words in commands(source / page)):
            if not (programs / words[0]).is_file():
                continue
            further = [] if "--resume" in words else FURTHER.get(words[0], [])
            further += ["--temperatures", "8"] if "--ais" in words else []
            done = subprocess.run([programs / words[0], *words[1:], *further], cwd=work, env=environment,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if done.returncode != 0:
                sys.exit(f"{page}: {' '.join(words)}\nends with {done.returncode}:\n{done.stdout}")
            print(f"{page}: {' '.join(words)}")
            count += 1
    if count < 12:
        sys.exit(f"only {count} commands were found")


if __name__ == "__main__":
    main()
