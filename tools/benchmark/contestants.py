"""Who is compared by compare_pytorch: programs that measure one model, what they need, and how they are run."""
import glob
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BENCHMARK = os.path.join(ROOT, "build/release/tools/benchmark")
PYTHON = "/usr/bin/python3"  # Debian's, for which python3-torch is built
LIBTORCH = os.path.join(ROOT, "build/libtorch/step")
CORES = len(os.sched_getaffinity(0))
THREADS = sorted({1, CORES}, reverse=True)

DRAWS = 5000  # of an image in estimation
MODELS = {  # their rows of benchmark
    "seed": "step/seed_model/batch:128",
    "T2": "step/hierarchy_T2/batch:100",
    "iwae": "step/iwae_k50/batch:20",
    "estimation": f"estimation/seed_model/draws:{DRAWS}",
}

# Settings of the caller's that would decide for a contestant.
UNSET = ("OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS",
         "ATEN_CPU_CAPABILITY", "GLIBC_TUNABLES")

# Freed memory is kept, and in large pages, as strata's tapes and programs have it: a fifth less time in IWAE's step.
KEEPING_MEMORY = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=1073741824:"
                                    "glibc.malloc.trim_threshold=1073741824"}


class Failure(Exception):
    pass


def run(command, what, environment=None, cwd=ROOT):
    """The output of a command; a Failure in one line where it fails."""
    try:
        done = subprocess.run(command, env=environment, cwd=cwd, text=True, capture_output=True)
    except OSError as error:
        raise Failure(f"{what}: {error.strerror}: {command[0]}") from None
    if done.returncode != 0:
        lines = (done.stderr.strip() or done.stdout.strip() or f"exit status {done.returncode}").splitlines()
        raise Failure(f"{what}: {lines[-1]}")
    return done.stdout


def environment(**settings):
    kept = {name: value for name, value in os.environ.items() if name not in UNSET}
    return kept | {name: str(value) for name, value in settings.items()}


def prepare():
    """Builds benchmark; a Failure where PyTorch is missing."""
    code = "import importlib.util, sys; sys.exit(importlib.util.find_spec('torch') is None)"
    if not os.path.exists(PYTHON) or subprocess.run([PYTHON, "-c", code], cwd="/").returncode != 0:
        raise Failure("there is no PyTorch here; apt-get install python3-torch brings it")
    print("Building benchmark ...", file=sys.stderr)
    run(["cmake", "--preset", "release"], "configuring")
    run(["cmake", "--build", "--preset", "release", "--target", "benchmark"], "building benchmark")


def has_libtorch():
    """Builds the step on LibTorch; False, and a line that says so, where its C++ package is missing."""
    folder = os.path.dirname(LIBTORCH)
    try:
        run(["cmake", "-S", "tools/benchmark/libtorch", "-B", folder, "-G", "Ninja"], "configuring")
    except Failure:
        print("LibTorch is left out: CMake finds no C++ package of Torch; apt-get install libtorch-dev brings it",
              file=sys.stderr)
        return False
    run(["cmake", "--build", folder], "building the step on LibTorch")
    return True


def selecting(build):
    """The settings that make a process load this build of OpenBLAS; None where it is not installed."""
    folders = glob.glob(f"/usr/lib/*/openblas-{build}/")
    return {"LD_LIBRARY_PATH": folders[0]} if folders else None


@dataclass
class Contestant:
    model: str
    name: str
    command: list
    settings: dict  # environment variables
    results: list = field(default_factory=list)  # one a round, as pytorch_step.py prints them

    def measure(self):
        output = run(self.command, self.name, environment(**self.settings))
        try:
            self.results.append(self.parse(json.loads(output)))
        except (ValueError, KeyError, IndexError):
            raise Failure(f"{self.name}: unexpected output: {output.strip()[:200] or 'none'}") from None

    def parse(self, output):
        return output

    def times(self):
        return [result["step_ms"] for result in self.results]

    def label(self):
        chunks = sorted({result["chunk"] for result in self.results if "chunk" in result})
        return self.name + (f", {' or '.join(map(str, chunks))} draws at once" if chunks else "")

    def threads(self):
        torch, blas = self.results[-1]["threads"], self.results[-1]["blas"]
        if blas["build"] == "reference BLAS" or blas["threads"] == torch:
            return str(torch)
        return f"{torch}, BLAS {blas['threads']}"

    def blas(self):
        blas = self.results[-1]["blas"]
        return ", ".join(filter(None, [blas["build"], blas["kernel"]]))


class Ours(Contestant):
    def __init__(self, model, threads):
        # Given all cores' threads, benchmark offers the row at that number and at 1.
        pattern = f"^{MODELS[model]}/threads:{threads}(/|$)"
        super().__init__(model, "strata", [BENCHMARK, f"--benchmark_filter={pattern}", "--benchmark_format=json"],
                         {"OMP_NUM_THREADS": CORES})
        self.thread_count = threads

    def parse(self, output):
        context, row = output["context"], output["benchmarks"][0]
        kernel, _, build = context["blas"].removeprefix("OpenBLAS ").partition(", ")
        build = "OpenBLAS " + build.removesuffix(" build")
        return {"step_ms": 1e3 * DRAWS / row["draws_per_s"] if self.model == "estimation" else row["step_ms"],
                "threads": self.thread_count, "parameters": round(row["parameters"]),
                "compiler": context["compiler"], "flags": " ".join(context["flags"].split()),
                "blas": {"build": build, "kernel": kernel, "threads": self.thread_count}}


def pytorch(name, threads=None, blas_threads=None, foreach=False, binarize="bernoulli", steps=None, settings={},
            model="seed"):
    command = [PYTHON, os.path.join(ROOT, "tools/benchmark/pytorch_step.py"), "--model", model, "--binarize", binarize]
    if threads:
        command += ["--threads", str(threads)]
        settings = settings | {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": blas_threads or threads}
    if foreach:
        command += ["--foreach"]
    if steps:
        command += ["--steps", str(steps)]
    return Contestant(model, name, command, settings)


def libtorch(name, model, threads, steps, settings):
    return Contestant(model, name, [LIBTORCH, model, str(threads)] + ([str(steps)] if steps else []),
                      settings | {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads})


def probe(settings):
    """What PyTorch loads and chooses with no settings of ours but these."""
    contestant = pytorch("PyTorch", steps=1, settings=settings)
    contestant.measure()
    return contestant.results[0]


def has_avx512():
    """Whether the processor has what PyTorch asks of it before it uses its AVX-512 code."""
    with open("/proc/cpuinfo") as file:
        flags = next((line.split() for line in file if line.startswith("flags")), [])
    return {"avx512f", "avx512bw", "avx512dq", "avx512vl", "fma"} <= set(flags)


def with_blas(name, settings, build, steps):
    """PyTorch with one BLAS: its thread counts and both kinds of Adam."""
    counts = [(threads, threads) for threads in THREADS]
    if build == "OpenBLAS pthread" and CORES > 1:
        counts.append((1, CORES))  # one thread pool instead of two that fight for the cores
    adams = [False] if build == "reference BLAS" else [False, True]
    return [pytorch(f"{name}{', foreach Adam' if foreach else ''}", threads, blas_threads, foreach, steps=steps,
                    settings=settings)
            for threads, blas_threads in counts for foreach in adams]


def with_each_blas(installed, steps):
    """The seed model in PyTorch as it is installed, and with each other build of OpenBLAS."""
    contestants = with_blas("PyTorch as installed here", {}, installed["blas"]["build"], steps)
    for build, name in [("pthread", "OpenBLAS pthread"), ("openmp", "OpenBLAS OpenMP")]:
        settings = selecting(build)
        if settings and name != installed["blas"]["build"]:
            contestants += with_blas(f"PyTorch with {name}", settings, name, steps)
    return contestants


def tuned(model, with_libtorch, steps):
    """The fastest settings known: an OpenMP OpenBLAS, the processor's vector code, memory kept, foreach Adam."""
    settings = (selecting("openmp") or {}) | KEEPING_MEMORY
    if has_avx512():
        settings |= {"ATEN_CPU_CAPABILITY": "avx512"}
    drawn = "" if model == "estimation" else ", binarised by rand < p"
    contestants = []
    for threads in THREADS:
        if model == "seed":
            contestants.append(pytorch("PyTorch tuned", threads, foreach=True, steps=steps, settings=settings))
        contestants.append(pytorch("PyTorch tuned" + drawn, threads, foreach=True, binarize="compare", steps=steps,
                                   settings=settings, model=model))
        if with_libtorch:
            contestants.append(libtorch("LibTorch tuned" + drawn, model, threads, steps, settings))
    return contestants
