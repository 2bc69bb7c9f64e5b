#!/usr/bin/env python3
"""Shows that the suite fails for every wrong derivative, objective and estimator.

Each statement of SOURCES is mutated: a sign flipped, a term or a factor dropped, two inputs swapped, a contribution
left out. All mutants are compiled into one copy of the sources under the build folder, behind a switch that the
environment sets, so that one build serves them all and each is alone in its run:

    x.accumulate(y.grad());    becomes    if (mutant == 7) { x.accumulate(-(y.grad())); } else { ... }

A mutant that does not compile is no mutant; those that nobody can tell from the original stand in equivalent.txt.
"""
import argparse, collections, os, pathlib, re, shutil, subprocess, sys, time
from concurrent.futures import ThreadPoolExecutor

ROOT = pathlib.Path(__file__).resolve().parents[2]
SOURCES = [f"autograd/{name}" for name in ("formulas.hpp arithmetic.cpp elementwise.cpp linear_algebra.cpp "
                                           "normalization.cpp probability.cpp reduce.cpp shape.cpp").split()]
SOURCES += [f"vae/{name}" for name in ("objective.cpp pass.cpp distributions.cpp heads.cpp log_weight.cpp importance.hpp "
                                       "importance.cpp estimation.cpp annealing.cpp refinement.cpp").split()]
# What a layer's mutants are run against, the quick and likely first; the rest of the suite follows.
TESTS = {"autograd": [("autograd", "Every operation*"), ("autograd", "*"), ("vae", "*"), ("nn", "*")],
         "vae": [("vae", "*"), ("nn", "*")]}
SWITCH = """
#include <cstdlib>
namespace strata {
inline const int mutant = std::getenv("STRATA_MUTANT") ? std::atoi(std::getenv("STRATA_MUTANT")) : 0;
}
"""
Mutant = collections.namedtuple("Mutant", "file line before after")

# Where statements start, after the end of another: declarations of numbers, returns, assignments, calls.
STATEMENT = re.compile(r"(?<=[{};)\n])\s*(?:(?P<declared>(?:const )?(?P<type>double|T|V|Matrix) )(?=\w+ = )|(?P<head>return |"
                       r"[\w.]+(?:\[\w+\]|\((?:row|chain|i, i)\))? [-+*/]?= |[a-z][\w.]*(?:<\w+>)?\())")
# Checks, sizes and what the program says: no terms.
OTHER = re.compile(r'fail\(|"|size|shape|push_back|place_back|resize|require_|_n\(|fill|places|\breduced|_parts?\(|'
                   r"\brecord|\bfor \(|std::(rotate|swap|iota)|nth_element|return \{data|[lr]ows\(|begin\(\)|back\(")
SWAPPED = re.compile(r"select|map|ratio|bernoulli_log_density|standard_normal_kl|draw_log_density|strict_lower_product")


def closing(text, start):
    """Where the statement, operand or argument that starts here ends: at a `;` or `,` or a bracket's end."""
    depth = 0
    for at in range(start, len(text)):
        depth += (text[at] in "([{") - (text[at] in ")]}")
        if depth < 0 or (depth == 0 and text[at] in ";,"):
            return at
    return len(text)


def arguments(text, start):
    """The ends of a call's arguments: from its bracket at start."""
    ends = [start]
    while text[ends[-1]] != ")" and ends[-1] < len(text) - 1:
        ends.append(closing(text, ends[-1] + 1))
        if text[ends[-1]] in ";]}":
            return []
    return ends


def changes(e):
    """Every e with one change."""
    for found in re.finditer(r" ([-+*/]) ", e):
        start, end = found.span()
        operator = found[1]
        if operator in "+-":
            yield e[:start] + (" - " if operator == "+" else " + ") + e[end:]
        stop = r" [-+<>=!&|?:]+ " if operator in "+-" else r" [-+*/<>=!&|?:]+ "
        operand = end
        limit = closing(e, end)
        while operand < limit and not (re.match(stop, e[operand:]) and closing(e[:operand], end) == operand
                                       and balanced(e[end:operand])):
            operand += 1
        constant = re.search(r"(-?half<T>|\b[TV]\([\d.f]+\)|\b\d+)$", e[:start]) if operator == "*" else None
        yield e[:constant.start()] + e[end:] if constant else e[:start] + e[operand:]
    for found in re.finditer(r"(?:(?<=^)|(?<=[(,=?:] )|(?<=[(\[]))-(?=[a-zA-Z(])", e):
        yield e[:found.start()] + e[found.end():]
    for found in re.finditer(r"([\w:.]+)(<\w+>)?\(", e):
        ends = arguments(e, found.end() - 1)
        if len(ends) < 3 or not SWAPPED.fullmatch(found[1]) or "scaled" in e[ends[0]:ends[1]]:
            continue
        a, b = e[ends[-3] + 1:ends[-2]].strip(), e[ends[-2] + 1:ends[-1]].strip()
        if a != b and (found[1] != "map" or (a[-2:] == b[-2:] == "()")):
            yield e[:ends[-3] + 1] + " " * (len(ends) > 3) + b + ", " + a + e[ends[-1]:]
    for one, other in (("yes", "no"), ("no", "yes")):
        for found in re.finditer(f"Transpose::{one}", e):
            yield e[:found.start()] + f"Transpose::{other}" + e[found.end():]


def balanced(text):
    return all(text.count(a) == text.count(b) for a, b in ("()", "[]", "{}"))


def mutants_of(head, body):
    found = list(changes(body))
    if "accumulate" in head:
        found.append(None)  # left out
        if head.endswith(".accumulate("):
            found.append(f"-({body})")
    return [m for k, m in enumerate(found) if m != body and m not in found[:k]]


def flat(text):
    return " ".join(re.sub(r"//[^\n]*", "", text).split())


def mutate(file, text, mutants, stillborn):
    """The text with its mutants behind the switch, which are added to the list."""
    out, at = [], 0

    def alternatives(start, head, body, tail):
        for change in mutants_of(head, body):
            mutants.append(Mutant(file, text.count("\n", 0, start) + 1, head + body + tail,
                                  "" if change is None else head + change + tail))
            if len(mutants) not in stillborn:
                yield len(mutants), change

    for found in STATEMENT.finditer(text):
        start, end = found.end(), closing(text, found.end())
        if found["declared"]:
            while text[end] == ",":
                end = closing(text, end + 1)
        begin = found.start("declared") if found["declared"] else found.start("head")
        call = not found["declared"] and found["head"].endswith("(")
        while call and text[end] == ",":
            end = closing(text, end + 1)
        whole = text[begin:end]
        if begin < at or text[end + call] != ";" or (OTHER.search(whole) and ".accumulate" not in whole):
            continue
        if found["head"] == "return " and file.startswith("autograd") and re.match(r"map\(|.*\.value\(\)", flat(text[start:end])):
            continue
        if found["declared"]:
            parts, place = [], start
            while place < end:
                stop = min(closing(text, place), end)
                name, value = re.match(r"\s*(\w+) = (.*)", text[place:stop], re.S).groups()
                choice = "".join(f"\n/*m{k}*/ mutant == {k} ? {found['type']}({change}) :"
                                 for k, change in alternatives(place, "", flat(value), ""))
                parts.append(f"{name} = {choice}\n {found['type']}({value})")
                place = stop + 1
            out += [text[at:begin], found["declared"], ", ".join(parts)]
            at = end
            continue
        head, tail = flat(found["head"]) + " " * (not call), ")" * call
        chosen = list(alternatives(begin, head, flat(text[start:end]), tail))
        if chosen:
            choice = "".join(f"\n/*m{k}*/ if (mutant == {k}) {{ {'' if c is None else head + c + tail + ';'} }} else"
                             for k, c in chosen)
            out += [text[at:begin], f"{{{choice}\n{{ {whole}{tail}; }} }}"]
            at = end + call + 1
    return "".join(out) + text[at:]


def write_copy(copy, stillborn):
    mutants = []
    for name in subprocess.check_output(["git", "-C", ROOT, "ls-files"], text=True).split("\n")[:-1]:
        content = (ROOT / name).read_bytes()
        if name == "tensor/tensor.hpp":
            content = content.replace(b"#pragma once\n", b"#pragma once\n" + SWITCH.encode(), 1)
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        if name not in SOURCES and (not (copy / name).exists() or (copy / name).read_bytes() != content):
            (copy / name).write_bytes(content)
    for name in SOURCES:
        text = mutate(name, (ROOT / name).read_text(), mutants, stillborn)
        if not (copy / name).exists() or (copy / name).read_text() != text:
            (copy / name).write_text(text)
    return mutants


def build(copy, jobs, layers):
    """The mutants, compiled; those that do not compile are left out."""
    folder, stillborn = copy / "build", set()
    configure = ["cmake", "-S", copy, "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DSTRATA_TOOLS=OFF",
                 "-DCMAKE_CXX_FLAGS=-w", "-DCMAKE_CXX_FLAGS_RELEASE=-O1"]
    targets = [f"{layer}_tests" for layer in layers]
    while True:
        mutants = write_copy(copy, stillborn)
        subprocess.run(configure, check=True, stdout=subprocess.DEVNULL)
        result = subprocess.run(["ninja", "-C", folder, f"-j{jobs}", "-k0", *targets], text=True, capture_output=True)
        if result.returncode == 0:
            return mutants, stillborn
        failed = set()
        for name, line in re.findall(r"(?:^|[\s/])((?:autograd|vae)/\w+\.[ch]pp):(\d+)", result.stdout):
            marker = re.match(r"/\*m(\d+)\*/", (copy / name).read_text().split("\n")[int(line) - 1])
            failed |= {int(marker[1])} if marker else set()
        if not failed - stillborn:
            sys.exit(result.stdout[-5000:])
        stillborn |= failed


def killer(copy, mutant, number):
    """The first tests that fail, or None."""
    environment = dict(os.environ, STRATA_MUTANT=str(number))
    for layer, tests in TESTS[mutant.file.split("/")[0]]:
        command = [copy / f"build/tests/{layer}_tests", tests, "--abort"]
        try:
            result = subprocess.run(command, env=environment, capture_output=True, timeout=300)
        except subprocess.TimeoutExpired:
            return f"{layer}: no end"
        if result.returncode != 0:
            return f"{layer}: {tests}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--copy", type=pathlib.Path, default=ROOT / "build/mutants", help="where mutants are built")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--only", default="", help="mutants of files whose names begin so")
    options = parser.parse_args()
    started = time.monotonic()
    mutants, stillborn = build(options.copy, options.jobs, ("autograd", "nn", "vae"))
    built = time.monotonic() - started
    if killer(options.copy, Mutant("vae/none", 0, "", ""), 0) or killer(options.copy, mutants[0], 0):
        sys.exit("the suite fails without a mutant")
    chosen = [k for k, m in enumerate(mutants, 1) if k not in stillborn and m.file.startswith(options.only)]
    with ThreadPoolExecutor(options.jobs) as pool:
        killers = dict(zip(chosen, pool.map(lambda k: killer(options.copy, mutants[k - 1], k), chosen)))
    equivalent = (pathlib.Path(__file__).parent / "equivalent.txt").read_text()
    known = {k for k in chosen if f"{mutants[k - 1].file}: {mutants[k - 1].before}  =>  {mutants[k - 1].after}\n" in equivalent}
    survivors = [k for k in chosen if not killers[k] and k not in known]
    print(f"{'file':28}{'mutants':>8}{'killed':>8}{'equivalent':>12}{'survivors':>11}")
    for file in SOURCES + [""]:
        own = [k for k in chosen if mutants[k - 1].file.startswith(file)]
        print(f"{file or 'all':28}{len(own):8}{sum(bool(killers[k]) for k in own):8}"
              f"{sum(not killers[k] and k in known for k in own):12}{sum(k in survivors for k in own):11}")
    for k in survivors:
        m = mutants[k - 1]
        print(f"survives: {m.file}:{m.line}\n{m.file}: {m.before}  =>  {m.after}")
    print(f"built in {built:.0f} s, run in {time.monotonic() - started - built:.0f} s; {len(stillborn)} did not compile")
    sys.exit(bool(survivors))


if __name__ == "__main__":
    main()
