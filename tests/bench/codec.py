"""A round trip of the codec beside pyiso8583's, pure and compiled, CPU time and instructions.

Plan: ``codec_trips.py`` says what a round trip is.  A process for each variant; in every round
each runs ours and pyiso8583's, one after the other, and the ratio within the process counts.
Where the codec is not compiled in place, a copy of the tree is compiled.
jPOS and moov are not run: performance.md has their round trips beside pyiso8583's from one
run, on another message, and what is printed is derived from that.
Limits: one message, a warm codec; whatever no compiler or no valgrind is there for is left out.
"""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from atm_switch.wire import variant
from tests.bench.figure import Bench, Goal, Got
from tests.bench.instructions import environment, instructions_of, missing_for_counting
from tests.doubles.compiled import ROOT, compiled_tree, missing_for_compiling

PURE, COMPILED = "pure", "compiled"
CALLS = {"ours": 6_000, "whole": 4_000, "read": 6_000, "write": 6_000, "pyiso8583": 1_000}
DERIVED = {"jPOS": 71.5 / 4.69, "moov": 71.5 / 13.97}
"""How many times faster than pyiso8583 they were in performance.md, section 1."""
CPU, COUNT = "codec round trip against pyiso8583, CPU, ", "the same in instructions, "
WHOLE, BESIDE = "the same with every element read as text, ", "codec against {}, derived, {}"
GOALS = (
    Goal(CPU + PURE, least=10, aim=17),
    Goal(CPU + COMPILED, least=35, aim=60),
    Goal(COUNT + PURE, least=8, aim=12),
    Goal(COUNT + COMPILED, least=25, aim=45),
    Goal(WHOLE + PURE),
    Goal(WHOLE + COMPILED),
    *(Goal(BESIDE.format(peer, one)) for peer in DERIVED for one in (PURE, COMPILED)),
)


class Trips:
    """A process that runs round trips when told."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        """Take a started one."""
        self._process = process
        self.variant = self._said()

    def microseconds(self, name: str) -> float:
        """Run a trip for a while; return CPU time per call."""
        assert self._process.stdin is not None
        print(name, CALLS[name], file=self._process.stdin, flush=True)
        return float(self._said())

    def _said(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


@contextmanager
def trips_of(tree: Path, *, is_pure: bool) -> Iterator[Trips]:
    """Start a process of a variant."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.bench.codec_trips"],
        cwd=tree,
        env=environment(tree, is_pure=is_pure),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        try:
            yield Trips(process)
        finally:
            process.stdin.close()


def trees_of(bench: Bench) -> tuple[dict[str, Path], str]:
    """Return where each variant runs from, and why one is missing."""
    if variant.is_built(ROOT / "atm_switch" / "wire"):
        return {PURE: ROOT, COMPILED: ROOT}, ""
    missing = missing_for_compiling()
    if missing:
        return {PURE: ROOT}, missing
    bench.say("compiling a copy of the codec")
    (bench.folder / "tree").mkdir()
    return {PURE: ROOT, COMPILED: compiled_tree(bench.folder / "tree")}, ""


def measure(bench: Bench) -> Iterator[Got]:
    """Measure the rows of ``GOALS``."""
    trees, missing = trees_of(bench)
    taken = cpu_times(bench, trees)
    yield from timed(taken)
    yield from counted(bench, trees)
    for goal in GOALS:
        if missing and goal.name.endswith(COMPILED):
            yield Got.left_out(goal.name, missing)


def cpu_times(bench: Bench, trees: Mapping[str, Path]) -> dict[str, dict[str, list[float]]]:
    """Have every variant run every trip in every round."""
    taken: dict[str, dict[str, list[float]]] = {one: {name: [] for name in CALLS} for one in trees}
    with ExitStack() as stack:
        trips = {
            one: stack.enter_context(trips_of(tree, is_pure=one == PURE))
            for one, tree in trees.items()
        }
        for one, process in trips.items():
            assert process.variant.startswith(one)
        for number in range(bench.rounds + 1):
            for one, process in trips.items():
                for name in CALLS:
                    spent = process.microseconds(name)
                    if number:  # the first round warms up
                        taken[one][name].append(spent)
            bench.say(f"round {number} of {bench.rounds}")
    return taken


def timed(taken: Mapping[str, Mapping[str, list[float]]]) -> Iterator[Got]:
    """Make the ratios of CPU time."""
    for one, times in taken.items():
        parts = {f"{name}, {one}": min(values) for name, values in times.items()}
        ratios = {
            name: [b / a for a, b in zip(times[name], times["pyiso8583"], strict=True)]
            for name in ("ours", "whole")
        }
        yield Got(CPU + one, ratios["ours"], parts=parts)
        yield Got(WHOLE + one, ratios["whole"])
        for peer, ratio in DERIVED.items():
            yield Got(
                BESIDE.format(peer, one),
                [value / ratio for value in ratios["ours"]],
                note=f"not run here: {peer} took 1/{ratio:.1f} of pyiso8583 in performance.md",
            )


def counted(bench: Bench, trees: Mapping[str, Path]) -> Iterator[Got]:
    """Make the ratios of instructions; one count each, for they do not vary."""
    missing = missing_for_counting()
    theirs = 0.0
    for one, tree in trees.items():
        if missing:
            yield Got.left_out(COUNT + one, missing)
            continue
        bench.say(f"counting instructions, {one}")
        folder = bench.folder / one
        folder.mkdir()
        names = ["ours"] if theirs else ["ours", "pyiso8583"]
        found = instructions_of(names, tree, folder, is_pure=one == PURE)
        theirs = found.pop("pyiso8583", theirs)
        yield Got(
            COUNT + one,
            [theirs / found["ours"]],
            parts={"ours": found["ours"], "pyiso8583": theirs},
            parts_unit="instr",
        )
