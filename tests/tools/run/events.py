"""Reads TensorBoard's events, written from the description of their format: nothing of strata's is used.

As a program it trains a small run by train_mnist, with a stop in between, and compares what the events say with
metrics.csv and the weights; with --tensorboard it asks TensorBoard's own loader for the same.

    events.py TRAIN_MNIST [--tensorboard]
"""
import csv, json, math, pathlib, struct, subprocess, sys, tempfile, zlib


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(data):
    at = 0
    while at < len(data):
        length, check = struct.unpack_from("<QI", data, at)
        assert check == masked(data[at : at + 8]), f"the length at byte {at} has another checksum"
        event = data[at + 12 : at + 12 + length]
        assert len(event) == length, f"the record at byte {at} is cut off"
        assert struct.unpack_from("<I", data, at + 12 + length)[0] == masked(event), f"record at byte {at}"
        yield event
        at += 16 + length


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return value, at


def fields(message):
    """{number: [values]} of a message of protocol buffers."""
    found, at = {}, 0
    while at < len(message):
        key, at = varint(message, at)
        if key & 7 == 0:
            value, at = varint(message, at)
        elif key & 7 == 1:
            value, at = struct.unpack_from("<d", message, at)[0], at + 8
        elif key & 7 == 5:
            value, at = struct.unpack_from("<f", message, at)[0], at + 4
        else:
            assert key & 7 == 2, f"kind {key & 7}"
            size, at = varint(message, at)
            value, at = message[at : at + size], at + size
        found.setdefault(key >> 3, []).append(value)
    return found


def doubles(packed):
    return struct.unpack(f"<{len(packed) // 8}d", packed)


def read(file):
    """[(step, tag, kind, value)] of a file: a number, a PNG as (width, height, bytes), a histogram as a dict."""
    events = [fields(event) for event in records(pathlib.Path(file).read_bytes())]
    assert events[0][3] == [b"brain.Event:2"], "no version at the start"
    times = [event[1][0] for event in events]
    assert all(1.6e9 < time < 1e10 for time in times), "a time is none"
    found = []
    for event in events[1:]:
        (value,) = fields(event[5][0])[1]
        value = fields(value)
        step, tag = event[2][0], value[1][0].decode()
        if 2 in value:
            found.append((step, tag, "scalar", value[2][0]))
        elif 4 in value:
            image = fields(value[4][0])
            png = image[4][0]
            assert png[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", png[16:24]) == (image[2][0], image[1][0])
            found.append((step, tag, "image", (image[2][0], image[1][0], png)))
        else:
            histogram = fields(value[5][0])
            names = ["min", "max", "num", "sum", "sum_squares"]
            found.append((step, tag, "histogram", {name: histogram[i + 1][0] for i, name in enumerate(names)} | {
                "limits": doubles(histogram[6][0]), "counts": doubles(histogram[7][0])}))
    return found


def weights(file):
    data = pathlib.Path(file).read_bytes()
    (size,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + size])
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            first, last = (8 + size + offset for offset in entry["data_offsets"])
            yield name, struct.unpack(f"<{(last - first) // 4}f", data[first:last])


def write_data(folder):
    for split, count in (("train", 60), ("t10k", 20)):
        pixels = bytes((37 * i * i + i // 784) % 256 for i in range(784 * count))
        (folder / f"{split}-images-idx3-ubyte").write_bytes(struct.pack(">IIII", 2051, count, 28, 28) + pixels)
        (folder / f"{split}-labels-idx1-ubyte").write_bytes(
            struct.pack(">II", 2049, count) + bytes(i % 10 for i in range(count)))


def train(program, folder, *more):
    arguments = [program, *more] if "--resume" in more else [
        program, "--data", folder, "--hidden", "16,8", "--batch", "20", "--out", folder / "out", *more]
    subprocess.run(arguments, check=True, stdout=subprocess.DEVNULL)


def check(found, run):
    """That the events are those of three epochs of three steps."""
    tags = {(tag, kind) for _, tag, kind, _ in found}
    for needed in [("loss", "scalar"), ("accuracy error", "scalar"), ("input_image", "image"), ("output_image", "image"),
                   ("weights/decoder.output.weight", "histogram"), ("gradients/decoder.output.weight", "histogram")]:
        assert needed in tags, f"no {needed}"
    assert len({(step, tag) for step, tag, _, _ in found}) == len(found), "something is there twice"

    loss = [(step, value) for step, tag, _, value in found if tag == "loss"]
    assert [step for step, _ in loss] == list(range(1, 10))
    table = list(csv.DictReader(open(run / "metrics.csv")))
    for epoch, row in enumerate(table):
        mean = sum(value for _, value in loss[3 * epoch : 3 * epoch + 3]) / 3
        assert math.isclose(-mean, float(row["train_elbo"]), rel_tol=1e-5), "loss is the negative ELBO"
        for name, text in row.items():
            if name != "epoch":
                (value,) = [v for step, tag, _, v in found if tag == name and step == 3 * epoch + 3]
                assert math.isclose(value, float(text), rel_tol=1e-6), name
    error = [value for _, tag, _, value in found if tag == "accuracy error"]
    assert all(0 < part < whole for part, (_, whole) in zip(error, loss, strict=True)), "loss is the error and a KL"
    for step, tag, kind, value in found:
        if kind == "image":
            assert step % 3 == 0 and value[:2] == (8 * 58 + 2, 3 * 58 + 2), (tag, value[:2])
        if kind == "histogram":
            assert value["num"] == sum(value["counts"]) and value["limits"][-1] == value["max"], tag
            assert list(value["limits"]) == sorted(value["limits"]) and len(value["limits"]) in (1, 30), tag
    inputs = [value for _, tag, _, value in found if tag == "input_image"]
    outputs = [value for _, tag, _, value in found if tag == "output_image"]
    assert len(set(inputs)) == 1 and len(set(outputs)) == 3

    last = {tag: value for step, tag, kind, value in found if kind == "histogram" and step == 9}
    names = set()
    for name, values in weights(run / "model.safetensors"):
        names.add(name)
        histogram = last["weights/" + name]
        assert (histogram["min"], histogram["max"], histogram["num"]) == (min(values), max(values), len(values)), name
        assert math.isclose(histogram["sum"], sum(values), rel_tol=1e-9, abs_tol=1e-9), name
        assert math.isclose(histogram["sum_squares"], sum(v * v for v in values), rel_tol=1e-9), name
        for i, limit in enumerate(histogram["limits"]):
            below, rounded = sum(histogram["counts"][:i + 1]), 1e-9 * (1 + abs(limit))
            assert sum(v < limit - rounded for v in values) <= below <= sum(v <= limit + rounded for v in values), name
            step = (max(values) - min(values)) / len(histogram["limits"])
            assert math.isclose(limit, min(values) + (i + 1) * step, rel_tol=1e-9, abs_tol=1e-12), name
        assert last["gradients/" + name]["num"] == len(values) and last["gradients/" + name]["sum_squares"] > 0, name
        assert last["gradients/" + name] != histogram, name
    assert len(last) == 2 * len(names)


def check_tensorboard(run):
    try:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    except ImportError:
        print("skipped: this Python has no tensorboard")
        sys.exit(77)
    loaded = EventAccumulator(str(run), size_guidance={"scalars": 0, "images": 0, "histograms": 0})
    loaded.Reload()
    found = [(e.step, tag, "scalar", e.value) for tag in loaded.scalars.Keys() for e in loaded.Scalars(tag)]
    found += [(e.step, tag, "image", (e.width, e.height, e.encoded_image_string))
              for tag in loaded.images.Keys() for e in loaded.Images(tag)]
    for tag in loaded.histograms.Keys():
        for e in loaded.Histograms(tag):
            h = e.histogram_value
            found.append((e.step, tag, "histogram", {
                "min": h.min, "max": h.max, "num": h.num, "sum": h.sum, "sum_squares": h.sum_squares,
                "limits": tuple(h.bucket_limit), "counts": tuple(h.bucket)}))
    check(found, run)


def main(program, *options):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        run, events = folder / "out", folder / "out/events.tfevents"
        write_data(folder)
        train(program, folder, "--epochs", "2")
        two = events.read_bytes()
        # What a killed run wrote beyond its last checkpoint is made again, and not there twice.
        events.write_bytes(two + two[len(two) // 2 :])
        train(program, folder, "--resume", run, "--epochs", "3")
        assert events.read_bytes().startswith(two), "the events so far stay as they are"
        if options:
            check_tensorboard(run)
            return
        check(read(events), run)
        # Events that were lost do not come back, and those that follow are whole.
        events.unlink()
        train(program, folder, "--resume", run, "--epochs", "4")
        assert {step for step, *_ in read(events)} == {10, 11, 12}


if __name__ == "__main__":
    main(*sys.argv[1:])
