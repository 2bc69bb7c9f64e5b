#!/usr/bin/env python3
"""Shows that the suite fails for every wrong derivative, objective and estimator.

Each statement of SOURCES is mutated: a sign flipped, a term or a factor dropped, two inputs swapped, a contribution
left out. All mutants are compiled into one copy of the sources under the build folder, behind a switch that the
environment sets, so that one build serves them all and each is alone in its run:
    x.accumulate(y.grad());    becomes    if (mutant == 7) { x.accumulate(-(y.grad())); } else { ... }
A mutant that does not compile is no mutant; those that nobody can tell from the original stand in equivalent.txt.
"""
import argparse, collections, itertools, os, pathlib, re, subprocess, sys, time
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parents[2]
COPY = ROOT / "build/mutants"
SOURCES = """autograd/formulas.hpp autograd/arithmetic.cpp autograd/elementwise.cpp autograd/linear_algebra.cpp
autograd/normalization.cpp autograd/probability.cpp autograd/reduce.cpp autograd/shape.cpp vae/objective.cpp vae/pass.cpp
vae/distributions.cpp vae/heads.cpp vae/log_weight.cpp vae/importance.hpp vae/importance.cpp vae/estimation.hpp
vae/metrics.cpp vae/annealing.cpp vae/refinement.cpp""".split()
LAYERS = ("autograd", "nn", "vae")
SWITCH = b"""#pragma once
#include <cstdlib>
namespace strata { inline const int mutant = std::getenv("STRATA_MUTANT") ? std::atoi(std::getenv("STRATA_MUTANT")) : 0; }
"""
Mutant = collections.namedtuple("Mutant", "file line before after")
flat = lambda text: " ".join(text.split())

# Where statements start, after the end of another: declarations of numbers, returns, assignments, calls.
STATEMENT = re.compile(r"(?<=[{};)\n])\s*(?:(?P<declared>(?:const )?(?P<type>double|T|V|Matrix) )(?=\w+ =\s)|(?P<head>return |"
                       r"[\w.]+(?:\[[^]\n]*\]|\([^()\n]*\))*\s[-+*/]?=\s|[a-z][\w.]*(?:<\w+>)?\())")
# Checks, sizes, what the program says, and the steps of searches: no terms.
OTHER = re.compile(r'fail\(|"|size|shape|push_back|place_back|resize|require_|_n\(|fill|places|\breduced|_parts?\(|'
                   r"\brecord|\bfor \(|std::(rotate|swap|iota)|nth_element|return \{data|\.data\[|[lr]ows\(|begin\(\)|back\("
                   r"|learning_rate|crowd")
SWAPPED = re.compile(r"\b(select|map|ratio|bernoulli_log_density|standard_normal_kl|draw_log_density|"
                     r"strict_lower_product)\(")


def closing(text, start, stops=";,"):
    """Where the statement, operand or argument that starts here ends: at one of these or at a bracket's end."""
    depth = 0
    for at in range(start, len(text)):
        depth += (text[at] in "([{") - (text[at] in ")]}")
        if depth < 0 or (depth == 0 and text[at] in stops):
            return at
    return len(text)


def operand_end(e, start, stop):
    """Where the operand that starts here ends: before an operator of its own depth, or where the argument does."""
    limit = closing(e, start)
    ends = (start + found.start() for found in re.finditer(stop, e[start:limit]))
    return next((end for end in ends if all(e.count(a, start, end) == e.count(b, start, end) for a, b in ("()", "[]"))), limit)


def changes(e):
    """Every e with one change."""
    for found in re.finditer(r" ([-+*/]) ", e):
        start, end = found.span()
        if found[1] in "+-":
            yield e[:start] + (" - " if found[1] == "+" else " + ") + e[end:]
        constant = re.search(r"(-?half<T>|\b[TV]\([\d.f]+\)|\b\d+)$", e[:start]) if found[1] == "*" else None
        dropped = operand_end(e, end, r" [-+<>=!&|?:]+ " if found[1] in "+-" else r" [-+*/<>=!&|?:]+ ")
        yield e[:constant.start()] + e[end:] if constant else e[:start] + e[dropped:]
    for found in re.finditer(r"(?:^|(?<=[(,=?:] )|(?<=[(\[]))-(?=[a-zA-Z(])", e):
        yield e[:found.start()] + e[found.end():]
    for found in SWAPPED.finditer(e):
        ends = [found.end() - 1]
        while ends[-1] < len(e) and e[ends[-1]] != ")":
            ends.append(closing(e, ends[-1] + 1))
        a, b = (e[i + 1:j].strip() for i, j in zip(ends[-3:-1], ends[-2:]))
        if "scaled" not in e[ends[0]:ends[1]] and (found[1] != "map" or a[-2:] == b[-2:] == "()"):
            yield e[:ends[-3] + 1] + " " * (len(ends) > 3) + b + ", " + a + e[ends[-1]:]
    for found in re.finditer(r"(?<=Transpose::)(yes|no)", e):
        yield e[:found.start()] + ("no" if found[1] == "yes" else "yes") + e[found.end():]


class Source:
    """A file with its mutants behind the switch; they are added to the list."""
    def __init__(self, file, mutants, stillborn):
        self.file, self.mutants, self.stillborn = file, mutants, stillborn
        self.original = re.sub("//[^\n]*", "", (ROOT / file).read_text())

    def alternatives(self, start, head, body, tail=""):
        found = dict.fromkeys(head + change + tail for change in changes(body) if not change.isdigit())
        if head.endswith(".accumulate("):
            found[f"{head}-({body}){tail}"] = None
        if "accumulate" in head or re.search(r"[-+*/]= $", head):
            found[""] = None  # left out
        found.pop(head + body + tail, None)
        for after in found:
            self.mutants.append(Mutant(self.file, self.original.count("\n", 0, start) + 1, head + body + tail, after))
            if len(self.mutants) not in self.stillborn:
                yield len(self.mutants), after

    def declaration(self, found, end):
        parts, start = [], found.end()
        while start < end:
            stop = closing(self.original, start)
            name, value = re.match(r"\s*(\w+) =\s+(.*)", self.original[start:stop], re.S).groups()
            choices = (f"\n/*m{k}*/ mutant == {k} ? {found['type']}({after}) :"
                       for k, after in self.alternatives(start, "", flat(value)))
            parts.append(f"{name} = {''.join(choices)}\n {found['type']}({value})")
            start = stop + 1
        return found["declared"] + ", ".join(parts) + ";"

    def statement(self, found, end):
        call = found["head"].endswith("(")
        head = found["head"] if call else flat(found["head"]) + " "
        body = flat(self.original[found.end():end - call])
        choices = "".join(f"\n/*m{k}*/ if (mutant == {k}) {{ {after}; }} else"
                          for k, after in self.alternatives(found.start("head"), head, body, ")" * call))
        whole = self.original[found.start("head"):end] + ";"
        return f"{{{choices}\n{{ {whole} }} }}" if choices else whole

    def text(self):
        out, at = [], 0
        for found in STATEMENT.finditer(self.original):
            begin = found.start("declared") if found["declared"] else found.start("head")
            depth = found.group().endswith("(")
            end = closing(self.original, found.end() - depth, ";")
            whole = self.original[begin:end]
            skipped = ((OTHER.search(whole) and ".accumulate" not in whole) or
                       (depth and closing(self.original, found.end(), ";") != end - 1) or  # f(x)[i] ...
                       ("autograd" in self.file and re.match(r"return (map\(|.*\.value\(\))", flat(whole))))
            if begin < at or self.original[end:end + 1] != ";" or skipped:
                continue
            out += [self.original[at:begin], (self.declaration if found["declared"] else self.statement)(found, end)]
            at = end + 1
            if out[-1] == whole + ";":  # nothing of its own: what it contains may have
                out[-1:], at = [], begin
        return "".join(out) + self.original[at:]


def build():
    """The mutants, compiled, and the numbers of those that do not compile."""
    stillborn = set()
    while True:
        mutants = []
        texts = {name: Source(name, mutants, stillborn).text().encode() for name in SOURCES}
        for name in subprocess.check_output(["git", "-C", ROOT, "ls-files"], text=True).splitlines():
            content = texts.get(name, (ROOT / name).read_bytes())
            if name == "tensor/tensor.hpp":
                content = content.replace(b"#pragma once\n", SWITCH)
            (COPY / name).parent.mkdir(parents=True, exist_ok=True)
            if not (COPY / name).exists() or (COPY / name).read_bytes() != content:
                (COPY / name).write_bytes(content)
        subprocess.run(["cmake", "-S", COPY, "-B", COPY / "build", "-G", "Ninja", "-DSTRATA_TOOLS=OFF", "-DCMAKE_CXX_FLAGS=-w",
                        "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_CXX_FLAGS_RELEASE=-O1"], check=True, stdout=subprocess.DEVNULL)
        ninja = subprocess.run(["ninja", "-C", COPY / "build", f"-j{os.cpu_count()}", "-k0", *(f"{layer}_tests" for layer in LAYERS)],
                               text=True, stdout=subprocess.PIPE)
        if ninja.returncode == 0:
            return mutants, stillborn
        failed = {int(k) for name, line in set(re.findall(r"((?:autograd|vae)/\w+\.[ch]pp):(\d+)", ninja.stdout))
                  for k in re.findall(r"^/\*m(\d+)", (COPY / name).read_text().split("\n")[int(line) - 1])}
        if failed <= stillborn:
            sys.exit(ninja.stdout[-5000:])
        stillborn |= failed


def run(layer, mutant, arguments, seconds):
    return subprocess.run([COPY / f"build/tests/{layer}_tests", *arguments], timeout=60 + 10 * seconds, check=True, text=True,
                          env=dict(os.environ, STRATA_MUTANT=str(mutant)), capture_output=True).stdout


def measured(layer):
    """The layer's tests with the seconds that each takes; it exits where one fails without a mutant."""
    try:
        out = run(layer, 0, ["--durations", "yes"], 600)
    except subprocess.CalledProcessError as error:
        sys.exit(f"the suite fails without a mutant:\n{error.stdout[-2000:]}")
    return [(layer, name, float(time)) for time, name in dict.fromkeys(re.findall(r"^([\d.]+) s: (.*)$", out, re.M))]


def killer(file, number, tests):
    """The first tests that fail, or None: quick before slow, and first of all those of the derivatives or of the source's own
    test file, then those of its layer."""
    own = ROOT / "tests" / re.sub(r"\.[ch]pp$", "_test.cpp", file)
    near = re.findall(r'TEST_CASE\(\s*"([^"]*)"', own.read_text()) if own.is_file() else []

    def turn(test):
        layer, name, seconds = test
        is_near = name in near or (not near and name.startswith("Every operation"))
        return seconds > 0.5, not is_near, not file.startswith(layer), layer
    for (*_, layer), group in itertools.groupby(sorted(tests, key=turn), turn):
        _, names, seconds = zip(*group)
        try:
            run(layer, number, [",".join(re.sub(r'([,["\\])', r"\\\1", name) for name in names), "--abort"], sum(seconds))
        except subprocess.SubprocessError:
            return layer
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="run the mutants of files whose names begin so")
    options = parser.parse_args()
    started = time.monotonic()
    mutants, stillborn = build()
    print(f"built in {time.monotonic() - started:.0f} s; {len(stillborn)} did not compile", flush=True)
    tests = [test for layer in LAYERS for test in measured(layer)]
    chosen = {k: m for k, m in enumerate(mutants, 1) if k not in stillborn and m.file.startswith(options.only)}
    equivalent = (pathlib.Path(__file__).parent / "equivalent.txt").read_text().splitlines()
    text = {k: f"{m.file}: {m.before} => {m.after}" for k, m in chosen.items()}
    killers, survivors = {}, []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for k, layer in zip(chosen, pool.map(lambda k: killer(chosen[k].file, k, tests), chosen)):
            killers[k] = layer
            if not layer and text[k] not in equivalent:
                survivors.append(k)
                print(f"{len(killers)} of {len(chosen)}: line {chosen[k].line} survives: {text[k]}", flush=True)
    print(f"{'':28}{'mutants':>10}{'killed':>10}{'equivalent':>12}{'survivors':>11}")
    for file in [*SOURCES, ""]:
        own = [k for k, m in chosen.items() if m.file.startswith(file)]
        killed, alive = sum(bool(killers[k]) for k in own), sum(k in survivors for k in own)
        print(f"{file or 'all':28}{len(own):10}{killed:10}{len(own) - killed - alive:12}{alive:11}")
    print(f"{time.monotonic() - started:.0f} s")
    sys.exit(bool(survivors))


if __name__ == "__main__":
    main()
