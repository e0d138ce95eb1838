"""Instructions of an inquiry by piece: the same number in whatever noise.

Plan: ``path_trips.py`` says what the pieces are, ``instructions.py`` counts them.  Judged are
the core, and what comes behind it - the row's way into the journal and the line of log - beside
pyiso8583's round trip of one message, counted in the same process: how much of the usual way's
codec alone a whole inquiry costs.
Limits: the Python codec; left out where there is no valgrind.  An interpreter built with
optimisation takes fewer instructions for Python and as many for hashes: 0.63 there, 0.56 without.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench.figure import Bench, Goal, Got
from tests.bench.instructions import Program, instructions_of, missing_for_counting
from tests.bench.path_trips import BEHIND, COUNTED, NAMES
from tests.doubles.compiled import ROOT

BESIDE = "core of an inquiry beside pyiso8583's round trip, instructions"
ROW = "row and line of log beside pyiso8583's round trip, instructions"
PROGRAM = Program("tests.bench.path_trips", COUNTED)
GOALS = (
    Goal(BESIDE, least=1.1, less_is_better=True),
    Goal(ROW, least=0.66, less_is_better=True),
)


def measure(bench: Bench) -> Iterator[Got]:
    """Measure the rows of ``GOALS``; the parts of the first are the pieces."""
    if missing := missing_for_counting():
        yield from (Got.left_out(goal.name, missing) for goal in GOALS)
        return
    bench.say("counting instructions of an inquiry by piece")
    found = counted(bench.folder)
    yield Got(BESIDE, [found["core"] / found["pyiso8583"]], parts=found, parts_unit="instr")
    behind = {name: found[name] for name in BEHIND}
    yield Got(ROW, [sum(behind.values()) / found["pyiso8583"]])


def counted(folder: Path, names: Sequence[str] = NAMES) -> dict[str, float]:
    """Count pieces; ``folder`` is an empty one for the counts."""
    return instructions_of(names, ROOT, folder, is_pure=True, program=PROGRAM)
